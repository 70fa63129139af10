import CRGWCurl

/// The C functions that libcurl calls during a transfer; each finds the handle, and so its
/// `Transfer`, in the context.
enum CurlCallbacks {
    static func install(on handle: CurlEasyHandle) {
        // SAFETY: the context is the owner of the handle, which frees it when it dies itself, and
        // libcurl calls back only before that, on the loop's thread.
        let context = unsafe Unmanaged.passUnretained(handle).toOpaque()
        unsafe handle.setPointer(CURLOPT_WRITEDATA, context)
        unsafe handle.setPointer(CURLOPT_HEADERDATA, context)
        unsafe handle.setPointer(CURLOPT_READDATA, context)
        unsafe handle.setPointer(CURLOPT_SEEKDATA, context)
        unsafe handle.setPointer(CURLOPT_PREREQDATA, context)
        unsafe handle.setPointer(CURLOPT_SOCKOPTDATA, context)
        unsafe handle.setPointer(CURLOPT_OPENSOCKETDATA, context)
        // SAFETY: the functions have the types that the options take and capture nothing.
        unsafe handle.setData(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            unsafe CurlCallbacks.take(bytes, size * count, context) { $0.receive($1) }
        }
        unsafe handle.setData(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            unsafe CurlCallbacks.take(bytes, size * count, context) { $0.receiveHeader($1) }
        }
        unsafe handle.setData(CURLOPT_READFUNCTION) { bytes, size, count, context in
            unsafe CurlCallbacks.transfer(context) { transfer in
                let buffer = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
                var span = unsafe buffer.mutableBytes
                return transfer.fill(&span) ?? Int(CURL_READFUNC_ABORT)
            } ?? Int(CURL_READFUNC_ABORT)
        }
        unsafe handle.setSocketOptions { context, socket, _ in
            _ = unsafe CurlCallbacks.transfer(context) { $0.opened(socket) }
            return CURL_SOCKOPT_OK
        }
        unsafe handle.setOpenSocket { context, _, address in
            // SAFETY: libcurl's address is valid during the call, which copies what it needs of it.
            unsafe CurlCallbacks.transfer(context) { unsafe $0.open(address) } ?? CURL_SOCKET_BAD
        }
        unsafe handle.setPrereq { context, _, _, _, localPort in
            let goesOn = unsafe CurlCallbacks.transfer(context) { $0.begin(localPort: localPort) }
            return goesOn == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
        unsafe handle.setSeek { context, _, _ in
            let done = unsafe CurlCallbacks.transfer(context) { $0.rewind() }
            return done == true ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
        }
    }

    /// Nil when there is none, which libcurl's contract excludes.
    private static func transfer<Answer>(
        _ context: UnsafeMutableRawPointer, _ body: (Transfer) -> Answer
    ) -> Answer? {
        // SAFETY: `install` put an unretained handle there that is alive during every callback.
        unsafe Unmanaged<CurlEasyHandle>.fromOpaque(context)._withUnsafeGuaranteedRef { handle in
            handle.transfer.map(body)
        }
    }

    /// Hands received bytes to the transfer; the count that libcurl expects, or another to stop.
    private static func take(
        _ bytes: UnsafeMutablePointer<CChar>, _ count: Int, _ context: UnsafeMutableRawPointer,
        _ receive: (Transfer, Span<UInt8>) -> Bool
    ) -> Int {
        // SAFETY: libcurl gives the context back that was installed with the callback.
        unsafe transfer(context) { transfer in
            // SAFETY: libcurl's buffer has `count` bytes during the callback; the span ends with
            // it.
            let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
            let taken = unsafe receive(transfer, Span<UInt8>(_bytes: buffer.bytes))
            return taken ? count : (count == 0 ? 1 : 0)
        } ?? (count == 0 ? 1 : 0)
    }
}
