import CRGWCurl

/// One libcurl easy handle with typed options.
///
/// Owns the handle, its header list and its error text; used only on the transport's thread, and
/// again for one transfer after another.
// SAFETY: the pointers never leave this class, but for `raw`, which the loop hands to the multi
// handle while this object is kept in its table of transfers.
@safe final class CurlEasyHandle {
    /// CURL_ERROR_SIZE
    private static let errorBytes = 256

    // Valid until deinit.
    let raw: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?

    /// Whose callbacks are called; nil between transfers.
    var transfer: Transfer?

    /// Nil when libcurl has no memory.
    init?(_ configuration: CurlConfiguration) {
        // SAFETY: curl_easy_init returns nil or a handle of our own.
        guard let raw = unsafe curl_easy_init() else { return nil }
        unsafe self.raw = raw
        // SAFETY: freed in deinit; libcurl writes at most CURL_ERROR_SIZE bytes with the final NUL.
        unsafe errorText = .allocate(capacity: Self.errorBytes)
        unsafe errorText.initialize(repeating: 0, count: Self.errorBytes)
        // SAFETY: the buffer lives as long as the handle.
        unsafe check(CRGWCurl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText))
        configure(configuration)
    }

    deinit {
        // SAFETY: the transfer is over, so nothing refers to list or text any more.
        unsafe curl_easy_cleanup(raw)
        unsafe curl_slist_free_all(headers)
        unsafe errorText.deallocate()
    }

    /// Identifies the handle in libcurl's messages.
    // SAFETY: the pointer is compared and printed only, never followed.
    var address: UInt { unsafe UInt(bitPattern: raw) }

    /// Forgets the last request's header and error. Options stay as they are.
    func forgetRequest() {
        // SAFETY: the handle is not in a multi handle now, and gets another list before it is.
        unsafe curl_slist_free_all(headers)
        unsafe headers = nil
        unsafe errorText[0] = 0
    }

    func set(_ option: CURLoption, _ value: Int) {
        // SAFETY: the option takes a long.
        unsafe check(CRGWCurl_set_long(raw, option, value))
    }

    func setOffset(_ option: CURLoption, _ value: Int64) {
        // SAFETY: the option takes a curl_off_t.
        unsafe check(CRGWCurl_set_offset(raw, option, value))
    }

    func set(_ option: CURLoption, _ value: String) {
        // SAFETY: the option takes a string, which libcurl copies.
        unsafe check(CRGWCurl_set_text(raw, option, value))
    }

    /// Sets an option that takes a string to none, where that differs from its default.
    func clear(_ option: CURLoption) {
        // SAFETY: the option takes a string, and nil stands for none.
        unsafe check(CRGWCurl_set_text(raw, option, nil))
    }

    /// Adds one line to the request's header.
    func appendHeader(_ line: String) {
        // SAFETY: libcurl copies the line; nil means that it had no memory and the list is as
        // before.
        if let list = unsafe curl_slist_append(headers, line) { unsafe headers = list }
    }

    func useHeaders() {
        // SAFETY: the list lives until `reset` or `deinit`.
        unsafe check(CRGWCurl_set_list(raw, CURLOPT_HTTPHEADER, headers))
    }

    /// SAFETY: `value` must stay valid while the transfer runs.
    @unsafe func setPointer(_ option: CURLoption, _ value: UnsafeMutableRawPointer) {
        unsafe check(CRGWCurl_set_pointer(raw, option, value))
    }

    /// SAFETY: `callback` must be of the type that the option takes.
    @unsafe func setData(_ option: CURLoption, _ callback: CRGWCurl_data_callback) {
        unsafe check(CRGWCurl_set_data_callback(raw, option, callback))
    }

    /// SAFETY: the context must have been set.
    @unsafe func setPrereq(_ callback: CRGWCurl_prereq_callback) {
        unsafe check(CRGWCurl_set_prereq_callback(raw, callback))
    }

    /// SAFETY: the context must have been set.
    @unsafe func setSocketOptions(_ callback: CRGWCurl_sockopt_callback) {
        unsafe check(CRGWCurl_set_sockopt_callback(raw, callback))
    }

    /// SAFETY: the context must have been set.
    @unsafe func setOpenSocket(_ callback: CRGWCurl_opensocket_callback) {
        unsafe check(CRGWCurl_set_opensocket_callback(raw, callback))
    }

    /// SAFETY: the context must have been set.
    @unsafe func setSeek(_ callback: CRGWCurl_seek_callback) {
        unsafe check(CRGWCurl_set_seek_callback(raw, callback))
    }

    /// What libcurl says of the last failure.
    func message(for code: CURLcode) -> String {
        // SAFETY: both are NUL-terminated texts.
        let text = unsafe String(cString: errorText)
        return text.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : text
    }

    /// Body bytes written to the socket so far.
    var bytesSent: UInt64 {
        var value: Int64 = 0
        // SAFETY: the value asked for is a curl_off_t.
        unsafe check(CRGWCurl_get_offset(raw, CURLINFO_SIZE_UPLOAD_T, &value))
        return UInt64(max(0, value))
    }

    var status: Int {
        var value = 0
        // SAFETY: the value asked for is a long.
        unsafe check(CRGWCurl_get_long(raw, CURLINFO_RESPONSE_CODE, &value))
        return value
    }

    /// Setting an option fails only when libcurl was built without it or has no memory.
    private func check(_ code: CURLcode) {
        precondition(code == CURLE_OK, "libcurl refuses an option: \(code.rawValue)")
    }
}
