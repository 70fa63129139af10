import RGWBase
import RGWVFS

extension OptionTable {
    /// Ten years and more would be a mistake; a day is longer than any cache should live.
    private static let cacheTimes: ClosedRange<Duration> = .zero ... .seconds(86_400)

    static let caching: [MountOption] = [
        .duration(
            "acregmin", [], .caching, \.volume.fileAttributesMin, in: cacheTimes,
            help: "Shortest time for which a file's attributes are believed"),
        .duration(
            "acregmax", [], .caching, \.volume.fileAttributesMax, in: cacheTimes,
            help: "Longest time for which a file's attributes are believed"),
        .duration(
            "acdirmin", [], .caching, \.volume.directoryAttributesMin, in: cacheTimes,
            help: "Shortest time for which a directory's listing is believed"),
        .duration(
            "acdirmax", [], .caching, \.volume.directoryAttributesMax, in: cacheTimes,
            help: "Longest time for which a directory's listing is believed"),
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
        .flag("noac", [], .caching, help: "Believe nothing: the same as actimeo=0 and sync") {
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
                "Believe earlier answers about names: all, only that a name exists, or none; as in "
                + "nfs(5)"),
        .choice(
            "attrs", .caching, \.volume.attributeSource, [("posix", .posix), ("list", .list)],
            help: "Read mode, owner and times from each object's metadata, or do with the listing"),
        .bytes(
            "memory", .caching, \.volume.memoryBytes, in: (16 << 20)...(1 << 40),
            help: "Memory for clean data"),
        .bytes(
            "readahead", .caching, \.volume.readAheadBytes, in: 0...(1 << 30),
            help: "Bytes read ahead of one sequential reader, at most"),
    ]

    static let writeBack: [MountOption] = [
        .text(
            "spool", [], .writeBack, placeholder: "DIR", \.spoolDirectory,
            expected: "a directory's path",
            help: "Where changes wait for their upload; by default /var/lib/rgwfs for root and "
                + "$XDG_STATE_HOME/rgwfs (~/.local/state/rgwfs) for others"),
        .value(
            "spool_size", [], .writeBack, placeholder: "SIZE",
            expected: "a size such as 64M or 10G, from 16M to 1024T", defaultText: nil,
            help:
                "Bytes that unsent data may take; by default half of the spool's file system, 100G "
                + "at most",
            read: { text in
                OptionValue.bytes(text).flatMap { (16 << 20...1 << 50).contains($0) ? $0 : nil }
            },
            assign: { $0.volume.spoolBytesMax = $1 }),
        .duration(
            "commit", [], .writeBack, \.volume.commitInterval, in: .zero ... .seconds(3600),
            help: "Time after which a change survives a power cut; with 0 every operation answers "
                + "when it does"),
        .duration(
            "writeback_delay", [], .writeBack, \.volume.writebackDelay,
            in: .zero ... .seconds(3600),
            help: "Time from the last close to the upload"),
        .duration(
            "writeback_max_delay", [], .writeBack, \.volume.writebackDelayMax,
            in: .zero ... .seconds(86_400),
            help: "Longest time that new changes can put an upload off"),
        .number(
            "uploads", ["parallel_count"], .writeBack, \.volume.uploadsMax, in: 1...256,
            help: "Uploads at the same time"),
        .choice(
            "fsync", .writeBack, \.volume.guarantee, [("remote", .remote), ("local", .local)],
            help:
                "fsync(2) returns when the object is in the bucket, or when the spool is on the "
                + "disk"
        ),
        .flag(
            "sync", [], .writeBack,
            help: "close(2) waits for the bucket, and open(2) with O_EXCL makes the object there"
        ) {
            $0.volume.guarantee = $1 ? .synchronous : .remote
        },
        .choice(
            "conflict", .writeBack, \.volume.conflict,
            [("both", .both), ("hold", .hold), ("local", .local)],
            help:
                "When somebody else changed an object that has local changes: keep both versions, "
                + "keep the local one in the spool, or let it win"),
        .bytes(
            "multipart_threshold", .writeBack, \.volume.multipartThreshold,
            in: (5 << 20)...(5 << 30), help: "Larger files go up in parts"),
        .duration(
            "drain_timeout", [], .writeBack, \.volume.drainTimeout, in: .zero ... .seconds(86_400),
            help: "Longest time that unmounting waits for uploads"),
        .flag(
            "nolinger", [], .writeBack,
            help:
                "After an unmount go on uploading for drain_timeout only, not until everything is "
                + "in the bucket"
        ) { $0.lingers = !$1 },
        .flag(
            "allow_overlap", [], .writeBack,
            help:
                "Mount although another mount of this machine changes the same keys: each would "
                + "see the other's changes late, as another machine's"
        ) { $0.allowsOverlap = $1 },
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
