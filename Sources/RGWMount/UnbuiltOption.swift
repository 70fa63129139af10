/// Options that are planned, or that users of other programs will try: each is refused by name,
/// never ignored.
package enum UnbuiltOption {
    /// Name to reason, which may be nil.
    package static let all: [String: String?] = [
        "cache_dir": "clean data is cached in memory only",
        "cache_size": "clean data is cached in memory only",
        "auto_unmount": "the next mount at the directory replaces what a dead rgwfs left",
        "use_cache": "every write goes through the spool; see spool=",
        "use_sse": nil,
        "storage_class": nil,
        "default_acl": nil,
        "use_rrs": nil,
        "ahbe_conf": nil,
        "iam_role":
            "RGW has no instance roles; see role_arn=, web_identity_token_file= and credential_process=",
        "ecs": "RGW has no container roles; see web_identity_token_file= and credential_process=",
        "credlib": "no library is loaded; credential_process= runs a program instead",
        "requester_pays": "who asks for another's bucket pays nothing at RGW: leave it out",
        "noxattr": nil,
        "nosymfollow": nil,
    ]
}
