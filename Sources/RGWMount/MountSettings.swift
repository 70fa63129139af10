import RGWBase
import RGWObject
package import RGWVFS

/// How requests are signed.
package enum SignatureVersion: String, Sendable, CaseIterable {
    case two = "2"
    case four = "4"
}

/// Everything the options of one mount say, with their defaults.
///
/// `OptionTable` is the only writer; where a value belongs to the file system it lives in `volume`, so that
/// no default is written twice.
package struct MountSettings: Sendable {
    /// The bucket, owner and masks in it are placeholders until `volumeConfiguration` fills them in.
    package var volume = VolumeConfiguration(bucket: BucketName(name: ""), uid: 0, gid: 0)

    // Server.
    package var server: ServerAddress?
    package var region = "default"
    package var signature = SignatureVersion.four
    package var isVirtualHost = false
    /// A PEM file with certificate authorities instead of the system's.
    package var certificateFile: String?
    package var verifiesCertificate = true
    /// To connect, and in all to check the bucket before the mount goes to the background.
    package var connectTimeout = Duration.seconds(10)
    /// Without any byte for this long a request is repeated or fails.
    package var requestTimeout = Duration.seconds(60)
    /// Repetitions of a request, after which a soft mount gives up.
    package var retries = 5
    /// Requests are repeated for ever.
    package var isHard = false

    // Credentials.
    package var credentialsFile: String?
    package var profile: String?
    package var isAnonymous = false
    package var configurationFile: String?

    // Ownership.
    package var uid: UInt32?
    package var gid: UInt32?
    package var umask: UInt32?
    package var fileMask: UInt32?
    package var directoryMask: UInt32?
    package var checksPermissions = true
    package var allowsOther = false
    package var allowsRoot = false

    // Spool.
    package var spoolDirectory: String?

    // Process.
    package var isForeground = false
    package var isVerbose = false

    /// Options of mount(2) for the kernel, in order: `nodev`, `noatime` and the like.
    package var kernelOptions: [String] = []
    /// Names that were set by somebody, not by default.
    package var given: Set<String> = []
    /// What `-s` let pass; each a sentence.
    package var warnings: [String] = []

    package init() {}

    /// The file system's settings for one source. Without `uid=` and `gid=` the mounting user owns the files.
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
