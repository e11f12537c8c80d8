import Docker
import ModelCore
import Testing

@Suite struct PullTallyTests {
    private static func progress(after messages: [PullMessage]) -> PullProgress {
        var tally = PullTally(image: "team/model:1")
        messages.forEach { tally.add($0) }
        return tally.progress
    }

    private static let head = PullMessage(layer: "1", status: "Pulling from team/model")

    @Test func theFirstLineIsNoLayer() {
        #expect(Self.progress(after: [Self.head]) == PullProgress(image: "team/model:1"))
    }

    @Test func layersAndBytesAreAddedUp() {
        let messages = [
            Self.head,
            PullMessage(layer: "a", status: "Already exists"),
            PullMessage(layer: "b", status: "Pulling fs layer"),
            PullMessage(layer: "c", status: "Pulling fs layer"),
            PullMessage(layer: "c", status: "Waiting"),
            PullMessage(layer: "b", status: "Downloading", current: 100, total: 400),
            PullMessage(layer: "b", status: "Downloading", current: 300, total: 400),
        ]
        #expect(
            Self.progress(after: messages)
                == PullProgress(
                    image: "team/model:1", finishedLayers: 1, layers: 3, fetchedBytes: 300, totalBytes: 400))
    }

    @Test func aLayerIsDoneWhenItIsUnpacked() {
        var messages = [
            PullMessage(layer: "b", status: "Downloading", current: 100, total: 400),
            PullMessage(layer: "b", status: "Verifying Checksum"),
            PullMessage(layer: "b", status: "Download complete"),
            PullMessage(layer: "b", status: "Extracting", current: 50, total: 400),
        ]
        let unpacking = PullProgress(
            image: "team/model:1", finishedLayers: 0, layers: 1, fetchedBytes: 400, totalBytes: 400)
        #expect(Self.progress(after: messages) == unpacking)
        messages.append(PullMessage(layer: "b", status: "Pull complete"))
        #expect(Self.progress(after: messages).finishedLayers == 1)
    }

    @Test func aDownloadThatBeginsAnewIsNotCountedTwice() {
        let messages = [
            PullMessage(layer: "b", status: "Downloading", current: 300, total: 400),
            PullMessage(layer: "b", status: "Retrying in 5 seconds"),
            PullMessage(layer: "b", status: "Downloading", current: 10, total: 400),
        ]
        #expect(Self.progress(after: messages).fetchedBytes == 10)
    }

    @Test func theDigestIsKept() {
        var tally = PullTally(image: "team/model:1")
        tally.add(Self.head)
        #expect(tally.digest == nil)
        tally.add(PullMessage(status: "Digest: sha256:\(String(repeating: "a", count: 64))"))
        tally.add(PullMessage(status: "Status: Image is up to date for team/model:1"))
        #expect(tally.digest == "sha256:\(String(repeating: "a", count: 64))")
        #expect(tally.progress.layers == 0)
    }

    @Test func anEngineThatNamesLayersWithoutEndIsNotFollowed() {
        let messages = (0..<5000).map { PullMessage(layer: "\($0)", status: "Pulling fs layer") }
        #expect(Self.progress(after: messages).layers == 1024)
    }
}
