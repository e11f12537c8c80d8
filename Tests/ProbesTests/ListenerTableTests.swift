import Testing

@testable import ProcFS

/// Tables as the kernel prints them, on a machine whose byte order is the little-endian one.
#if _endian(little)
    struct ListenerTableTests {
        private static let v4 = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode         \u{20}
               0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24021 1 0000000012a8b2d4 100 0 0 10 0  \u{20}
               1: 0B00007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24022 1 0000000012a8b2d4 100 0 0 10 0  \u{20}
               2: 0200000A:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 24023 1 0000000012a8b2d4 100 0 0 10 0  \u{20}
               3: 0100007F:A0F2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 24024 1 0000000012a8b2d4 20 4 30 10 -1 \u{20}
               4: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24025 1 0000000012a8b2d4 100 0 0 10 0  \u{20}

            """
        private static let v6 = """
              sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 00000000000000000000000001000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1 00000000f1d00ba1 100 0 0 10 0

            """

        @Test func listenersAreFoundByTheirPort() throws {
            var table = ListenerTable(.v4)
            try table.read(Array(Self.v4.utf8)[...])
            #expect(
                table.listeners == [
                    8080: [
                        Listener(family: .v4, address: [0, 0, 0, 0], inode: 24021),
                        Listener(family: .v4, address: [10, 0, 0, 2], inode: 24023),
                    ],
                    40000: [Listener(family: .v4, address: [127, 0, 0, 11], inode: 24022)],
                ])
            // Connections have begun: what follows them can be no listener.
            #expect(table.isComplete)
        }

        @Test func addressesOfBothFamilies() throws {
            var table = ListenerTable(.v6)
            try table.read(Array(Self.v6.utf8)[...])
            let loopback = [UInt8](repeating: 0, count: 15) + [1]
            #expect(table.listeners == [8081: [Listener(family: .v6, address: loopback, inode: 9)]])
            #expect(!table.isComplete)
        }

        @Test(arguments: [1, 7, 150, 151])
        func whereItIsCutDoesNotMatter(piece: Int) throws {
            var whole = ListenerTable(.v4)
            var inPieces = whole
            let bytes = Array(Self.v4.utf8)
            try whole.read(bytes[...])
            for start in stride(from: 0, to: bytes.count, by: piece) {
                try inPieces.read(bytes[start..<min(start + piece, bytes.count)])
            }
            #expect(inPieces.listeners == whole.listeners)
            #expect(whole.listeners.count == 2)
        }

        @Test(arguments: [
            "", "\n\n", "nonsense\n", "0: 0:0 0 0A\n", "0: XY000000:1F90 0 0A 0 0 0 0 0 5 \n",
            "0: 00000000:1F90F 0 0A 0 0 0 0 0 5 \n", "0: 00000000000000000000000001000000:1F90 0 0A 0 0 0 0 0 5 \n",
            "0: 00000000:1F90 0 0A 0 0 0 0 0 x \n",
        ])
        func whatIsNoLineOfATableIsPassedOver(text: String) throws {
            var table = ListenerTable(.v4)
            try table.read(Array(text.utf8)[...])
            #expect(table.listeners.isEmpty)
            #expect(!table.isComplete)
        }

        @Test func aLineWithoutAnEndIsRefused() {
            var table = ListenerTable(.v4)
            #expect(throws: ProcFSError.malformed) { try table.read([UInt8](repeating: 0x30, count: 5000)[...]) }
        }
    }
#endif
