import RGWMount
import Testing

@Suite struct MountArgumentsTests {
    private func parse(_ words: String) throws(UsageError) -> MountArguments {
        try MountArguments(parsing: words.split(separator: " ").map(String.init))
    }

    @Test(arguments: [
        "photos /mnt -o ro,uid=3 -o sync -f", "-f -o ro,uid=3 photos /mnt -o sync",
        "-o ro,uid=3 photos -o sync /mnt --foreground", "-oro,uid=3 -fosync photos /mnt",
        "--options=ro,uid=3 --options sync -f -- photos /mnt",
    ])
    func optionsStandAnywhere(words: String) throws {
        let arguments = try parse(words)
        #expect(arguments.source == "photos")
        #expect(arguments.mountPoint == "/mnt")
        #expect(arguments.optionTexts == ["ro,uid=3", "sync"])
        #expect(arguments.isForeground)
        #expect(arguments.request == .mount)
    }

    @Test func clusteredFlagsAreTakenApart() throws {
        let arguments = try parse("photos /mnt -snv -t fuse.rgwfs")
        #expect(arguments.isSloppy && arguments.isVerbose && !arguments.isForeground)
    }

    // As libmount's exec_helper builds it: source, directory, flags, options that begin with rw or
    // ro.
    @Test(arguments: ["photos /mnt -f -o rw", "photos /mnt -s -f -n -v -o ro,uid=3 -t rgwfs"])
    func mountsFakeFlagMountsNothing(words: String) throws {
        let arguments = try parse(words)
        #expect(arguments.request == .pretend)
        #expect(!arguments.isForeground)
    }

    @Test(arguments: [
        "photos /mnt -f", "-f photos /mnt -o rw", "photos /mnt -f -o uid=3,rw",
        "photos /mnt --foreground -o rw",
    ])
    func foregroundIsNotTakenForFake(words: String) throws {
        let arguments = try parse(words)
        #expect(arguments.request == .mount)
        #expect(arguments.isForeground)
    }

    @Test(arguments: [
        ("", UsageError.sourceMissing), ("-o ro", .sourceMissing), ("photos", .mountPointMissing),
        ("photos /mnt more", .tooManyOperands("more")), ("photos /mnt -z", .unknownFlag("-z")),
        ("photos /mnt -sz", .unknownFlag("-z")), ("photos /mnt --fake", .unknownFlag("--fake")),
        ("photos /mnt -o", .flagValueMissing("-o")),
        ("photos /mnt --options", .flagValueMissing("--options")),
        ("photos /mnt -N 1", .namespaceUnsupported),
    ])
    func wrongCommandLinesAreNamed(words: String, expected: UsageError) {
        #expect(throws: expected) { try parse(words) }
        #expect(failure(words.split(separator: " ").map(String.init))?.status == .usage)
    }

    @Test(arguments: [
        ("-h", MountArguments.Request.help), ("--help", .help), ("-V", .version),
        ("--version", .version), ("photos /mnt -o x --help", .help), ("-V -h", .help),
    ])
    func helpAndVersionNeedNothingElse(words: String, request: MountArguments.Request) throws {
        #expect(try parse(words).request == request)
    }

    @Test func unmountHelpersCommandLineIsUnderstood() throws {
        let arguments = try UnmountArguments(parsing: ["/mnt", "-f", "-lnrv", "-t", "fuse.rgwfs"])
        #expect(arguments.mountPoint == "/mnt")
        #expect(arguments.isForced && arguments.isLazy && arguments.isVerbose)
        #expect(!arguments.isStrict)
        #expect(try UnmountArguments(parsing: ["--strict", "/mnt"]).isStrict)
    }

    @Test(
        arguments: [
            ([], UnmountUsageError.mountPointMissing), (["/a", "/b"], .tooManyOperands("/b")),
            (["/a", "-z"], .unknownFlag("-z")), (["/a", "--zap"], .unknownFlag("--zap")),
            (["/a", "-t"], .flagValueMissing("-t")), (["/a", "-N", "1"], .namespaceUnsupported),
        ] as [([String], UnmountUsageError)])
    func wrongUnmountCommandLinesAreNamed(words: [String], expected: UnmountUsageError) {
        #expect(throws: expected) { try UnmountArguments(parsing: words) }
    }
}
