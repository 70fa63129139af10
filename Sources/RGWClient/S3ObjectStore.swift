package import RGWBase
import RGWObject
package import RGWWire
import Synchronization

/// The object store port on a real RGW, over any HTTP transport.
///
/// Requests on objects, buckets and uploads are in the extensions. Owns nothing but what its calls
/// share; every call keeps itself alive until its completion.
package final class S3ObjectStore: ObjectStore {
    let context: S3Context

    package init(
        configuration: S3Configuration, transport: any HTTPTransport,
        credentials: any CredentialsProvider, clock: any Clock, timer: any Timer,
        entropy: any Entropy
    ) {
        context = S3Context(
            configuration: configuration, transport: transport, credentials: credentials,
            clock: clock, timer: timer, entropy: entropy)
    }

    /// The server's clock minus ours, as learnt from refusals; zero when they agree.
    package var clockOffset: Duration {
        .seconds(context.serverTime().seconds - context.clock.wallTime().seconds)
    }

    /// What is known of the server so far: everything after `CapabilityProbe.run`.
    package var capabilities: ServerCapabilities { context.capabilities }

    /// A call whose request is the same for every attempt and whose answer is collected.
    func simpleCall<Answer: Sendable>(
        _ operation: S3Operation, subject: String, request: HTTPRequest,
        parse: @escaping S3Call<Answer>.Parse, completion: @escaping Completion<Answer>
    ) -> any Cancellable {
        let options = context.options(operation, lane: .metadata)
        return S3Call(
            context, operation, subject: subject,
            prepare: { () throws(ObjectStoreError) in
                PreparedRequest(operation: operation, request: request, options: options)
            }, parse: parse, completion: completion
        ).start()
    }

    /// Completes with an error that was found before anything was sent.
    func refuse<Answer: Sendable>(
        _ error: ObjectStoreError, _ completion: @escaping Completion<Answer>
    ) -> any Cancellable {
        context.timer.schedule(at: context.clock.now()) { completion(.failure(error)) }
        return NothingToCancel()
    }
}

/// Stands for a request that was never sent.
struct NothingToCancel: Cancellable {
    func cancel() {}
}
