import CRGWCurl

/// libcurl's multi handle: the connections, and the place where the loop waits.
///
/// Every call but `wakeUp` belongs to the transport's thread. Freed with the last reference, after
/// the loop has taken all easy handles out.
// SAFETY: the pointer is immutable; curl_multi_wakeup(3) may be called from any thread, and the
// rest is called by the loop's thread alone.
@safe final class CurlMulti: @unchecked Sendable {
    private let raw: UnsafeMutableRawPointer

    /// Nil when libcurl has no memory. `connectionsMax`: idle connections kept.
    init?(connectionsMax: Int) {
        // SAFETY: curl_multi_init returns nil or a handle of our own.
        guard let raw = unsafe curl_multi_init() else { return nil }
        unsafe self.raw = raw
        // SAFETY: both options take a long.
        _ = unsafe CRGWCurl_multi_set_long(raw, CURLMOPT_MAXCONNECTS, connectionsMax)
        _ = unsafe CRGWCurl_multi_set_long(raw, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    deinit {
        // SAFETY: no easy handle is left in it.
        unsafe curl_multi_cleanup(raw)
    }

    func wakeUp() {
        // SAFETY: allowed from any thread; the handle is alive as long as this object.
        _ = unsafe curl_multi_wakeup(raw)
    }

    /// False when libcurl does not take the handle (out of memory).
    func add(_ handle: CurlEasyHandle) -> Bool {
        // SAFETY: the caller keeps the easy handle until `remove`.
        unsafe curl_multi_add_handle(raw, handle.raw) == CURLM_OK
    }

    func remove(_ handle: CurlEasyHandle) {
        // SAFETY: the handle was added.
        _ = unsafe curl_multi_remove_handle(raw, handle.raw)
    }

    /// Moves all transfers as far as they go without waiting.
    func perform() {
        var running: Int32 = 0
        // SAFETY: called by the loop's thread, never within a callback.
        _ = unsafe curl_multi_perform(raw, &running)
    }

    /// Waits for a socket, a time-out of libcurl, `wakeUp` or the end of the time.
    func wait(milliseconds: Int32) {
        // SAFETY: as above.
        _ = unsafe curl_multi_poll(raw, nil, 0, milliseconds, nil)
    }

    /// The next transfer that ended, by the address of its handle.
    func nextEnded() -> (handle: UInt, code: CURLcode)? {
        var left: Int32 = 0
        // SAFETY: the message is read before libcurl is called again.
        while let message = unsafe curl_multi_info_read(raw, &left) {
            if unsafe message.pointee.msg == CURLMSG_DONE,
                let handle = unsafe message.pointee.easy_handle
            {
                return (UInt(bitPattern: handle), unsafe message.pointee.data.result)
            }
        }
        return nil
    }
}
