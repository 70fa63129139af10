import Logging
import RGWControl
import RGWHost

/// The socket of a mount, `control` in its spool: where the lock is, the socket is.
enum ControlSocket {
    static let name = "control"

    /// Of `sync` and umount(8), which wait for as long as uploads take.
    static let waitingMax = 48
    /// Commands at a time; each holds a thread while it waits. More than may wait.
    private static let connectionsMax = waitingMax + 16
    /// A program that connects has its request ready.
    private static let patience = Duration.seconds(5)

    static func serve(
        _ port: any ControlPort, spool: String
    ) throws(HostError) -> HostListener {
        let conversation = ControlConversation(port: port, owner: HostProcess.effectiveUser)
        return try HostListener(
            directory: spool, name: name, connectionsMax: connectionsMax
        ) { connection in
            do throws(HostError) {
                let user = try connection.peerUser()
                let limit = ControlRequest.lengthMax
                while let line = try connection.readLine(limit: limit, within: patience) {
                    var isListening = true
                    conversation.answer(line, from: user) { text in
                        do throws(HostError) { try connection.writeLine(text) } catch {
                            isListening = false
                        }
                        return isListening
                    }
                    guard isListening else { return }
                }
            } catch {
                // Whoever connected has gone or sent nothing sensible; only they could be told.
            }
        }
    }
}
