/// The S3 requests that rgwfs makes, as the error table and messages name them.
package enum S3Operation: String, Sendable, CaseIterable {
    case headObject = "HEAD"
    case getObject = "GET"
    case putObject = "PUT"
    case copyObject = "COPY"
    case deleteObject = "DELETE"
    case deleteObjects = "DELETE OBJECTS"
    case listObjects = "LIST"
    case headBucket = "HEAD BUCKET"
    case listBuckets = "LIST BUCKETS"
    case createBucket = "CREATE BUCKET"
    case deleteBucket = "DELETE BUCKET"
    case createMultipart = "CREATE MULTIPART"
    case uploadPart = "UPLOAD PART"
    case completeMultipart = "COMPLETE MULTIPART"
    case abortMultipart = "ABORT MULTIPART"
    case listParts = "LIST PARTS"
    case listMultipart = "LIST MULTIPART"
    case getTagging = "GET TAGGING"
    case putTagging = "PUT TAGGING"
    case getNotification = "GET NOTIFICATION"
    case getVersioning = "GET VERSIONING"
    case listVersions = "LIST VERSIONS"

    /// Sending it again changes nothing, whatever became of the first one.
    package var isRead: Bool {
        switch self {
        case .headObject, .getObject, .listObjects, .headBucket, .listBuckets, .listParts,
            .listMultipart, .getTagging, .getNotification, .getVersioning, .listVersions:
            true
        default: false
        }
    }

    /// The outcome of a lost answer need not be known: another part or upload id of the same upload
    /// is harmless, an upload that does not complete is aborted, and the same tags are set twice.
    package var isRepeatable: Bool {
        switch self {
        case .createMultipart, .uploadPart, .abortMultipart, .putTagging: true
        default: isRead
        }
    }
}
