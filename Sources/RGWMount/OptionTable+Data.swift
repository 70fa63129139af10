import RGWBase
import RGWVFS

extension OptionTable {
    /// Ten years and more would be a mistake; a day is longer than any cache should live.
    private static let cacheTimes: ClosedRange<Duration> = .zero ... .seconds(86_400)

    static let caching: [MountOption] = [
        .duration(
            "acregmin", [], .caching, \.volume.fileAttributesMin, in: cacheTimes,
            help: "Minimum time for which cached file attributes are considered valid"),
        .duration(
            "acregmax", [], .caching, \.volume.fileAttributesMax, in: cacheTimes,
            help: "Maximum time for which cached file attributes are considered valid"),
        .duration(
            "acdirmin", [], .caching, \.volume.directoryAttributesMin, in: cacheTimes,
            help: "Minimum time for which a cached directory listing is considered valid"),
        .duration(
            "acdirmax", [], .caching, \.volume.directoryAttributesMax, in: cacheTimes,
            help: "Maximum time for which a cached directory listing is considered valid"),
        .value(
            "actimeo", [], .caching, placeholder: "TIME",
            expected: "a time such as 300ms, 1s or 5m, up to one day", defaultText: nil,
            help: "Sets all four times",
            read: { text in
                OptionValue.duration(text, bareUnit: .seconds(1)).flatMap {
                    cacheTimes.contains($0) ? $0 : nil
                }
            },
            assign: { $0.setAllCacheTimes($1) }),
        .flag(
            "noac", [], .caching,
            help: "Cache no attributes and no names: the same as actimeo=0 and sync"
        ) {
            if $1 {
                $0.setAllCacheTimes(.zero)
                $0.volume.guarantee = .synchronous
            }
        },
        .flag(
            "cto", [], .caching,
            help: "Ask the server at open(2) whether the object has changed (default)"
        ) { $0.volume.closeToOpen = $1 },
        .flag("nocto", [], .caching, help: "Do not ask the server at open(2)") {
            $0.volume.closeToOpen = !$1
        },
        .choice(
            "lookupcache", .caching, \.volume.lookupCache,
            [("all", .all), ("positive", .positive), ("pos", .positive), ("none", .none)],
            help:
                "Which cached lookups are considered valid: all, only those of names that exist, or "
                + "none; as in nfs(5)"),
        .choice(
            "attrs", .caching, \.volume.attributeSource, [("posix", .posix), ("list", .list)],
            help:
                "Take mode, owner and times from each object's metadata, or size and time from the "
                + "listing and the rest from uid=, gid= and the masks; with list, no object is asked "
                + "for its metadata until it is changed, except empty ones"),
        .bytes(
            "memory", .caching, \.volume.memoryBytes, in: (16 << 20)...(1 << 40),
            help: "Memory for cached data"),
        .bytes(
            "small_files", .caching, \.volume.smallBytesMax, in: 0...(256 << 10),
            help:
                "Size up to which objects are fetched whole and ahead, in parallel, where the files of "
                + "a directory are read one after another; with 0, none"),
        .bytes(
            "readahead", .caching, \.volume.readAheadBytes, in: 0...(1 << 30),
            help: "Maximum number of bytes to read ahead of a sequential reader"),
    ]

    static let writeBack: [MountOption] = [
        .text(
            "spool", [], .writeBack, placeholder: "DIR", \.spoolDirectory,
            expected: "a directory's path",
            help:
                "Directory in which changes are kept until they are uploaded; by default /var/lib/rgwfs for root and "
                + "$XDG_STATE_HOME/rgwfs (~/.local/state/rgwfs) for others"),
        .value(
            "spool_size", [], .writeBack, placeholder: "SIZE",
            expected: "a size such as 64M or 10G, from 16M to 1024T", defaultText: nil,
            help:
                "Maximum size of data that has not been uploaded; by default half of the spool's "
                + "file system, at most 100G",
            read: { text in
                OptionValue.bytes(text).flatMap { (16 << 20...1 << 50).contains($0) ? $0 : nil }
            },
            assign: { $0.volume.spoolBytesMax = $1 }),
        .duration(
            "commit", [], .writeBack, \.volume.commitInterval, in: .zero ... .seconds(3600),
            help:
                "Time after which a change survives a power failure; with 0, each operation returns "
                + "when it does"),
        .duration(
            "writeback_delay", [], .writeBack, \.volume.writebackDelay,
            in: .zero ... .seconds(3600),
            help: "Delay between the last close and the upload"),
        .duration(
            "writeback_max_delay", [], .writeBack, \.volume.writebackDelayMax,
            in: .zero ... .seconds(86_400),
            help: "Maximum time for which new changes delay an upload"),
        .number(
            "uploads", ["parallel_count"], .writeBack, \.volume.uploadsMax, in: 1...256,
            help: "Maximum number of uploads at the same time"),
        .choice(
            "fsync", .writeBack, \.volume.guarantee, [("remote", .remote), ("local", .local)],
            help:
                "fsync(2) returns when the object is in the bucket, or when the spool is on the "
                + "disk"
        ),
        .flag(
            "sync", [], .writeBack,
            help:
                "close(2) and changes of names and attributes wait for the bucket, and open(2) with "
                + "O_EXCL makes the object there"
        ) {
            $0.volume.guarantee = $1 ? .synchronous : .remote
        },
        .choice(
            "conflict", .writeBack, \.volume.conflict,
            [("both", .both), ("hold", .hold), ("local", .local)],
            help:
                "What to do when another client has changed an object that has local changes: keep "
                + "both versions, hold the local one in the spool, or replace the other one by it"),
        .bytes(
            "multipart_threshold", .writeBack, \.volume.multipartThreshold,
            in: (5 << 20)...(5 << 30), help: "Size from which files are uploaded in parts"),
        .duration(
            "drain_timeout", [], .writeBack, \.volume.drainTimeout, in: .zero ... .seconds(86_400),
            help: "Maximum time for which umount waits for uploads"),
        .flag(
            "nolinger", [], .writeBack,
            help:
                "After umount -l or fusermount3 -u, upload for at most drain_timeout, not until "
                + "everything is in the bucket"
        ) { $0.lingers = !$1 },
        .flag(
            "allow_overlap", [], .writeBack,
            help:
                "Mount although another mount on this machine writes to the same keys. Each sees "
                + "the other's changes late, like those of another machine"
        ) { $0.allowsOverlap = $1 },
    ]
}

extension OptionTable {
    static let operating: [MountOption] = [
        .choice(
            "log_level", .operating, \.logLevel,
            LogThreshold.allCases.map { ($0.rawValue, $0) },
            help: "Which messages are logged: those of this kind and graver ones; -v is debug"),
        .value(
            "metrics", [], .operating, placeholder: "PLACE", expected: MetricsPlace.form,
            defaultText: nil,
            help:
                "Where Prometheus can ask for numbers, on this machine only: \(MetricsPlace.form)",
            read: { MetricsPlace(option: $0) }, assign: { $0.metrics = $1 }),
    ]
}

extension MountSettings {
    mutating func setAllCacheTimes(_ time: Duration) {
        volume.fileAttributesMin = time
        volume.fileAttributesMax = time
        volume.directoryAttributesMin = time
        volume.directoryAttributesMax = time
    }
}
