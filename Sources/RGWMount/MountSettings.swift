import RGWBase
package import RGWClient
import RGWObject
package import RGWVFS

/// Everything the options of one mount say, with their defaults.
///
/// `OptionTable` is the only writer; where a value belongs to the file system it lives in `volume`,
/// so that no default is written twice.
package struct MountSettings: Equatable, Sendable {
    /// The bucket, owner and masks in it are placeholders until `volumeConfiguration` fills them
    /// in.
    package var volume = VolumeConfiguration(bucket: BucketName(name: ""), uid: 0, gid: 0)

    /// The endpoint in it is a placeholder until `url=` was read.
    package var client = S3Configuration(endpoint: Endpoint(host: ""))

    // Server.
    /// False: https was taken because `url=` did not say.
    package var hasScheme = true
    /// A PEM file with certificate authorities instead of the system's.
    package var certificateFile: String?
    package var verifiesCertificate = true
    /// PEM files of a client certificate and its key; without the latter it is in the former.
    package var clientCertificateFile: String?
    package var clientKeyFile: String?
    package var proxy = ProxyChoice.environment

    // Credentials.
    package var credentialsFile: String?
    package var profile: String?
    /// A command that prints keys.
    package var credentialProcess: String?
    /// The role to take on with the keys found, or with the token in a file.
    package var roleARN: String?
    package var webIdentityTokenFile: String?
    package var isAnonymous = false
    package var configurationFile: String?

    // Ownership.
    package var uid: UInt32?
    package var gid: UInt32?
    package var umask: UInt32?
    package var fileMask: UInt32?
    package var directoryMask: UInt32?
    package var checksPermissions = true
    /// `allow_other` or `noallow_other`; nil: neither was given.
    package var allowsOther: Bool?
    package var allowsRoot = false

    // Spool.
    package var spoolDirectory: String?
    /// Another mount of this machine may change the same keys.
    package var allowsOverlap = false
    /// After an unmount uploads go on until everything is in the bucket.
    package var lingers = true

    // Process.
    package var isForeground = false
    /// Nil: nobody is told.
    package var metrics: MetricsPlace?
    package var logLevel = LogThreshold.info

    /// Options of mount(2) for the kernel, in order: `nodev`, `noatime` and the like.
    package var kernelOptions: [String] = []
    /// Names that were set by somebody, not by default.
    package var given: Set<String> = []
    /// What `-s` let pass, and what is allowed but dangerous; each a sentence.
    package var warnings: [String] = []

    package init() {}

    /// Users other than the mounting one may enter. Root mounts for everybody, as mounts of other
    /// file systems are, and the kernel checks permissions; what a user mounts is theirs.
    package func allowsOther(mountingUser: UInt32) -> Bool {
        allowsOther ?? (mountingUser == 0 && !allowsRoot)
    }

    /// The file system's settings for one source. Without `uid=` and `gid=` the mounting user owns
    /// the files.
    package func volumeConfiguration(
        source: MountSource, uid mountingUser: UInt32, gid mountingGroup: UInt32,
        contentTypes: [String: String], hostName: String
    ) -> VolumeConfiguration {
        var result = volume
        result.bucket = source.bucket
        result.prefix = source.prefix
        result.uid = uid ?? mountingUser
        result.gid = gid ?? mountingGroup
        result.fileMask = fileMask ?? umask ?? volume.fileMask
        result.directoryMask = directoryMask ?? umask ?? volume.directoryMask
        result.contentTypes = contentTypes
        result.hostName = hostName
        return result
    }
}
