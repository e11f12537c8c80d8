// A test run in miniature, for the test that kills one: starts the tests' engine, says so, and waits to be killed.
import Glibc
import TestSupport

let engine = try await PrivateEngine.shared()
print("up: \(engine.address)")
fflush(nil)
while true { pause() }
