import RGWBase
import RGWObject
import RGWWire
import Testing

@testable import RGWClient

/// When a server stops answering and when it answers again is told, once each.
@Suite struct ServerWatchTests {
    private struct Run {
        var watch = ServerWatch()
        /// `silent` and `answers N s`, with the second in which they were told.
        var told: [String] = []

        mutating func ended(
            _ second: Int64, _ result: Result<HTTPResponse, TransportError>, took: Int64 = 0
        ) {
            func instant(_ second: Int64) -> Instant {
                Instant(nanoseconds: second * 1_000_000_000)
            }
            let event = watch.ended(
                result, .headObject, subject: "/b/k", started: instant(second - took),
                now: instant(second))
            switch event {
            case .silent: told.append("\(second): silent")
            case .answers(let time): told.append("\(second): answers \(time.components.seconds) s")
            case nil: break
            }
        }
    }

    private static let answer = Result<HTTPResponse, TransportError>.success(
        HTTPResponse(status: 200))
    private static let timeout = Result<HTTPResponse, TransportError>.failure(
        .timedOut(sent: true, "no byte"))

    @Test(arguments: [TransportError.timedOut(sent: false, ""), .unreachable("refused")])
    func theFirstFailureAndTheFirstSuccessAreTold(error: TransportError) throws {
        var run = Run()
        run.ended(10, Self.answer)
        run.ended(80, .failure(error), took: 60)
        #expect(run.watch.silence?.since == Instant(nanoseconds: 20_000_000_000))
        for second in 81..<500 { run.ended(Int64(second), .failure(error)) }
        #expect(run.told == ["80: silent"])
        run.ended(500, Self.answer)
        run.ended(501, Self.answer)
        #expect(run.told == ["80: silent", "500: answers 480 s"])
        #expect(run.watch.silence == nil)
    }

    @Test func anAnswerMeanwhileMovesTheBeginning() {
        var run = Run()
        run.ended(50, Self.answer)
        run.ended(60, Self.timeout, took: 60)
        #expect(run.watch.silence?.since == Instant(nanoseconds: 50_000_000_000))
    }

    @Test(arguments: [
        Result<HTTPResponse, TransportError>.failure(.broken(sent: true, "reset")),
        .failure(.malformed(sent: true, "no length")), .success(HTTPResponse(status: 503)),
        .success(HTTPResponse(status: 502)), .success(HTTPResponse(status: 504)),
    ])
    func whatMayBeAnAccidentIsToldWhenItLasts(result: Result<HTTPResponse, TransportError>) {
        var run = Run()
        for second in 0..<30 {
            run.ended(Int64(second), second % 5 == 4 ? Self.answer : result)
        }
        #expect(run.told.isEmpty)
        for second in 30..<60 { run.ended(Int64(second), result) }
        #expect(run.told == ["40: silent"])
    }

    @Test(arguments: [TransportError.cancelled(sent: true), .bodyUnreadable("errno 5")])
    func whatSaysNothingOfTheServerIsNotTold(error: TransportError) {
        var run = Run()
        for second in 0..<60 { run.ended(Int64(second), .failure(error)) }
        #expect(run.told.isEmpty)
        #expect(run.watch.silence == nil)
    }

    @Test func refusalsAreAnswers() {
        var run = Run()
        run.ended(1, Self.timeout)
        run.ended(2, .success(HTTPResponse(status: 403)))
        #expect(run.told == ["1: silent", "2: answers 1 s"])
    }

    @Test func aServerThatComesAndGoesDoesNotFillTheLog() {
        var run = Run()
        for second in 0..<86_400 {
            run.ended(Int64(second), second % 2 == 0 ? Self.timeout : Self.answer)
        }
        #expect(run.told.count < 100, "\(run.told.count) lines a day")
        // A day without trouble, and it counts from the beginning.
        run.told = []
        run.ended(200_000, Self.timeout)
        run.ended(200_001, Self.answer)
        run.ended(200_070, Self.timeout)
        #expect(run.told == ["200000: silent", "200001: answers 1 s", "200070: silent"])
    }
}
