internal import Glibc

do throws(UsageError) {
    guard let options = try Options(CommandLine.arguments) else {
        say(Options.help)
        exit(0)
    }
    start(options)
} catch {
    complain(error.message)
    exit(64)
}

private func start(_ options: Options) -> Never {
    // Everybody who answers on a connection that the other side has closed would get it.
    signal(SIGPIPE, SIG_IGN)
    if let path = options.checkFile {
        if access(path, F_OK) == 0 { exit(0) }
        complain("there is no \(path)")
        exit(1)
    }
    if options.isGrandchild || options.ignoreTerm {
        signal(SIGTERM, SIG_IGN)
    } else if getpid() == 1 {
        // The first process of a container gets no signal that it does not handle.
        signal(SIGTERM) { _ in _exit(128 + SIGTERM) }
    }
    if options.isGrandchild { stay() }
    if options.daemonize {
        Relatives.continueInBackground()
        exit(0)
    }
    for text in options.say { complain(text) }
    for line in 0..<options.printLines { say("line \(line) of the noise that model servers make\n") }
    if let code = options.exitImmediately { exit(code) }
    usleep(UInt32(options.startDelay) * 1000)
    if let path = options.listenWhen { while access(path, F_OK) != 0 { usleep(1000) } }

    let listener = options.neverListen ? nil : Listener.open(host: options.host, port: options.port)
    if !options.neverListen && listener == nil {
        complain("cannot listen on \(options.host):\(options.port): \(String(cString: strerror(errno)))")
        exit(1)
    }
    var grandchild: Int32?
    if options.forkGrandchild {
        grandchild = Relatives.startGrandchild(options, listener: listener)
        say("grandchild \(grandchild ?? -1)\n")
    }
    guard let listener else { stay() }
    say("listening on \(options.host):\(options.port)\n")
    if let code = options.exitAfterStart { exit(code) }
    var server = HTTPServer(listener: listener, options: options, grandchild: grandchild)
    server.serve()
}

private func stay() -> Never {
    while true { pause() }
}

func complain(_ message: String) {
    put(message + "\n", STDERR_FILENO)
}

/// Writes at once: who reads our output waits for it.
func say(_ text: String) {
    put(text, STDOUT_FILENO)
}

private func put(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
}
