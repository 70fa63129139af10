package import RGWBase
package import RGWObject
package import RGWWire
import Synchronization

/// The object store port on a real RGW, over any HTTP transport.
///
/// Requests on objects, buckets and uploads are in the extensions. Owns nothing but what its calls
/// share; every call keeps itself alive until its completion.
package final class S3ObjectStore: ObjectStore {
    let context: S3Context
    /// Who is told how its requests get on; nil: nobody.
    let watch: RequestProgress?

    package init(
        configuration: S3Configuration, transport: any HTTPTransport,
        credentials: any CredentialsProvider, clock: any Clock, timer: any Timer,
        entropy: any Entropy
    ) {
        context = S3Context(
            configuration: configuration, transport: transport, credentials: credentials,
            clock: clock, timer: timer, entropy: entropy)
        watch = nil
    }

    private init(_ context: S3Context, _ watch: RequestProgress) {
        self.context = context
        self.watch = watch
    }

    package func watched(by progress: RequestProgress) -> any ObjectStore {
        S3ObjectStore(context, progress)
    }

    /// Signing a body takes its digest.
    package var digestsBodies: Bool { context.configuration.signsPayload }

    /// The server's clock minus ours, as learnt from refusals; zero when they agree.
    package var clockOffset: Duration {
        .seconds(context.serverTime().seconds - context.clock.wallTime().seconds)
    }

    /// What is known of the server in this bucket so far: everything after `CapabilityProbe.run`.
    package func capabilities(of bucket: BucketName) -> ServerCapabilities {
        context.habits.capabilities(of: bucket)
    }

    /// Asks the bucket's settings what it does with old versions; who may not ask learns it from answers.
    @discardableResult
    package func versioning(
        of bucket: BucketName, completion: @escaping Completion<ServerCapabilities.Versioning>
    ) -> any Cancellable {
        simpleCall(
            .getVersioning, subject: "\(bucket)", request: context.builder.versioning(of: bucket),
            parse: { response throws(S3Failure) in
                ServerCapabilities.Versioning(status: try response.versioningStatus())
            }
        ) { [context] result in
            if case .success(let versioning) = result {
                context.habits.learn(versioning, of: bucket)
            }
            completion(result)
        }
    }

    /// What another store found out about the bucket.
    package func learn(versioning: ServerCapabilities.Versioning, of bucket: BucketName) {
        context.habits.learn(versioning, of: bucket)
    }

    /// A call whose request is the same for every attempt and whose answer is collected.
    func simpleCall<Answer: Sendable>(
        _ operation: S3Operation, subject: String, request: HTTPRequest,
        parse: @escaping S3Call<Answer>.Parse, completion: @escaping Completion<Answer>
    ) -> any Cancellable {
        let options = context.options(operation, lane: .metadata)
        return S3Call(
            self, operation, subject: subject,
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
