/// Every metric of a mount. rgwfs-metrics(7) lists the same, which a test compares.
package enum MetricsTable {
    package static let all: [MetricName] = general + fuse + server + queue + spool + process

    /// The lines of rgwfs-metrics(7) between its two marker lines.
    package static var manual: String {
        let parts: [(String, [MetricName])] = [
            ("Mount", general), ("Operations of programs", fuse), ("Server", server),
            ("Changes that wait", queue), ("Spool, memory, names", spool), ("Process", process),
        ]
        var lines: [String] = []
        for (title, metrics) in parts {
            lines.append(".SS \(title)")
            for metric in metrics {
                let labels = metric.labels.joined(separator: ", ")
                lines += [
                    ".TP", ".B \(metric.name)",
                    "\(metric.help) (\(metric.kind.rawValue)\(labels.isEmpty ? "" : "; \(labels)")).",
                ]
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    package static let build = MetricName(
        "rgwfs_build_info", .gauge, labels: ["version"], "The program; always 1")
    package static let mount = MetricName(
        "rgwfs_mount_info", .gauge, labels: ["source", "server", "mount_point"],
        "What is mounted where; always 1")
    package static let mounted = MetricName(
        "rgwfs_mounted", .gauge, "1 while the file system is mounted, 0 while it only uploads")
    package static let general = [build, mount, mounted]

    package static let fuseDuration = MetricName(
        "rgwfs_fuse_request_duration_seconds", .histogram, labels: ["operation"],
        "Time from a request of the kernel to its answer")
    package static let fuseErrors = MetricName(
        "rgwfs_fuse_errors_total", .counter, labels: ["operation", "errno"],
        "Requests of the kernel that were answered with an error, by its number")
    package static let fuse = [fuseDuration, fuseErrors]

    package static let serverDuration = MetricName(
        "rgwfs_s3_request_duration_seconds", .histogram, labels: ["request"],
        "Time from sending a request to the last byte of its answer, each repetition by itself")
    package static let serverErrors = MetricName(
        "rgwfs_s3_errors_total", .counter, labels: ["request", "code"],
        "Requests without an answer, or with a status over 399, by that status")
    package static let serverRetries = MetricName(
        "rgwfs_s3_retries_total", .counter, labels: ["request"],
        "Requests that were repetitions of failed ones")
    package static let serverSent = MetricName(
        "rgwfs_s3_sent_bytes_total", .counter, labels: ["request"], "Bytes of bodies sent")
    package static let serverReceived = MetricName(
        "rgwfs_s3_received_bytes_total", .counter, labels: ["request"], "Bytes of bodies received")
    package static let serverUnderWay = MetricName(
        "rgwfs_s3_requests_in_flight", .gauge, "Requests that wait for their answer")
    package static let serverSilent = MetricName(
        "rgwfs_s3_silent_seconds", .gauge,
        "For how long the server has answered nothing; 0 while it answers")
    package static let server = [
        serverDuration, serverErrors, serverRetries, serverSent, serverReceived, serverUnderWay,
        serverSilent,
    ]

    package static let changes = MetricName(
        "rgwfs_queue_changes", .gauge, "Changes that are not in the bucket yet")
    package static let bytes = MetricName(
        "rgwfs_queue_bytes", .gauge, "Bytes of changed files that are not in the bucket yet")
    package static let oldest = MetricName(
        "rgwfs_queue_oldest_seconds", .gauge, "Age of the oldest change; 0 when nothing waits")
    package static let uploading = MetricName(
        "rgwfs_queue_uploading_changes", .gauge, "Changes that are being sent")
    package static let uploads = MetricName(
        "rgwfs_queue_uploads_limit", .gauge,
        "Changes that may be sent at a time: the option uploads, or fewer while the server is busy")
    package static let retrying = MetricName(
        "rgwfs_queue_retrying_changes", .gauge, "Changes that failed and are tried again")
    package static let open = MetricName(
        "rgwfs_queue_open_changes", .gauge, "Changes of open files, sent after their close")
    package static let blocked = MetricName(
        "rgwfs_queue_blocked_changes", .gauge,
        "Changes that failed for good and wait for a person, conflicts included")
    package static let conflicts = MetricName(
        "rgwfs_queue_conflicts", .gauge, "Changes of objects that another client changed too")
    package static let takenBack = MetricName(
        "rgwfs_queue_taken_back_total", .counter,
        "Changes that were taken back because the server refused them")
    package static let refusedWrites = MetricName(
        "rgwfs_queue_refused_seconds", .gauge,
        "For how long the server has refused what is written; 0 while it does not")
    package static let queue = [
        changes, bytes, oldest, uploading, uploads, retrying, open, blocked, conflicts, takenBack,
        refusedWrites,
    ]

    package static let spoolFree = MetricName(
        "rgwfs_spool_free_bytes", .gauge, "Bytes that the spool's file system has left")
    package static let spoolFailed = MetricName(
        "rgwfs_spool_failed", .gauge, "1 when the spool's disk has failed and changes are refused")
    package static let lost = MetricName(
        "rgwfs_spool_lost_entries", .gauge, "Entries of the spool's lost directory")
    package static let cached = MetricName(
        "rgwfs_cache_bytes", .gauge, "Bytes of clean data in memory")
    package static let cacheLimit = MetricName(
        "rgwfs_cache_limit_bytes", .gauge, "Bytes that the option memory allows")
    package static let unreadable = MetricName(
        "rgwfs_unreadable_objects", .gauge,
        "Objects that the server refused to show when last asked")
    package static let hidden = MetricName(
        "rgwfs_hidden_keys", .gauge, "Keys that cannot be paths")
    package static let spool = [
        spoolFree, spoolFailed, lost, cached, cacheLimit, unreadable, hidden,
    ]

    package static let resident = MetricName(
        "process_resident_memory_bytes", .gauge, "Resident memory of the process")
    package static let processor = MetricName(
        "process_cpu_seconds_total", .counter, "Processor time of the process")
    package static let started = MetricName(
        "process_start_time_seconds", .gauge, "When the mount was made, in seconds since 1970")
    package static let process = [resident, processor, started]
}
