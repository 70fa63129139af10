import CRGWCurl
import RGWBase
import RGWObject
import RGWWire

extension CurlEasyHandle {
    /// Bodies from this size on wait for `100 Continue`, so that RGW refuses bad credentials, a
    /// missing bucket or a size over its limit before they are sent.
    private static let expectBytesMin: UInt64 = 1 << 20
    private static let uploadBufferBytes = 2 << 20
    /// libcurl's default.
    private static let uploadBufferBytesSmall = 64 << 10

    /// Sets what is the same for every request of a transport, once.
    func configure(_ configuration: CurlConfiguration) {
        // Keys may have `.` and `..` parts, which libcurl would resolve.
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_MAXAGE_CONN, Int(configuration.idleAgeMax.inSeconds))
        set(CURLOPT_TCP_KEEPALIVE, 1)
        // A connection that something on the way has dropped is found out before it is used again; seconds.
        set(CURLOPT_TCP_KEEPIDLE, 20)
        set(CURLOPT_TCP_KEEPINTVL, 5)
        set(CURLOPT_BUFFERSIZE, 512 << 10)
        set(CURLOPT_USERAGENT, configuration.userAgent)
        configureProxy(configuration.proxy)
        configureTLS(configuration)
        CurlCallbacks.install(on: self)
    }

    /// Without any setting libcurl reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, as curl(1) does.
    private func configureProxy(_ proxy: CurlConfiguration.Proxy) {
        // Its answer is not the server's.
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        switch proxy {
        case .none: set(CURLOPT_NOPROXY, "*")
        case .environment: break
        case .url(let url): set(CURLOPT_PROXY, url)
        }
    }

    private func configureTLS(_ configuration: CurlConfiguration) {
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        if let file = configuration.caFile {
            set(CURLOPT_CAINFO, file)
            // Otherwise libcurl would trust the system's directory of authorities as well.
            clear(CURLOPT_CAPATH)
        }
        if let file = configuration.clientCertificateFile {
            set(CURLOPT_SSLCERT, file)
            set(CURLOPT_SSLKEY, configuration.clientKeyFile ?? file)
            // Without it OpenSSL would ask for a pass phrase on the terminal.
            set(CURLOPT_KEYPASSWD, "")
        }
        if !configuration.verifiesPeer {
            set(CURLOPT_SSL_VERIFYPEER, 0)
            set(CURLOPT_SSL_VERIFYHOST, 0)
        }
    }

    /// Sets what is this request's own; nothing of the last one stays.
    /// `looksUpAgain`: the server's name, if a connection is to be made.
    func prepare(_ request: HTTPRequest, _ options: TransferOptions, looksUpAgain: Bool) {
        forgetRequest()
        // libcurl would believe an address for a minute that refuses; seconds.
        set(CURLOPT_DNS_CACHE_TIMEOUT, looksUpAgain || options.isFresh ? 0 : 60)
        set(CURLOPT_URL, request.url)
        set(CURLOPT_CONNECTTIMEOUT_MS, Int(options.connectTimeout.inNanoseconds / 1_000_000))
        set(CURLOPT_FRESH_CONNECT, options.isFresh ? 1 : 0)
        prepareMethod(request)
        for field in request.headers {
            appendHeader(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
        }
        useHeaders()
    }

    /// HTTPGET takes back NOBODY and UPLOAD, UPLOAD takes back NOBODY, but NOBODY nothing. PUT and
    /// POST always announce a length, 0 without a body: RGW wants one.
    private func prepareMethod(_ request: HTTPRequest) {
        switch request.method {
        case .get, .delete: set(CURLOPT_HTTPGET, 1)
        case .head:
            set(CURLOPT_HTTPGET, 1)
            set(CURLOPT_NOBODY, 1)
        case .put, .post:
            let length = request.body?.length ?? 0
            set(CURLOPT_UPLOAD, 1)
            setOffset(CURLOPT_INFILESIZE_LARGE, Int64(clamping: length))
            let isLarge = length > Self.expectBytesMin
            set(
                CURLOPT_UPLOAD_BUFFERSIZE,
                isLarge ? Self.uploadBufferBytes : Self.uploadBufferBytesSmall)
            appendHeader(length >= Self.expectBytesMin ? "Expect: 100-continue" : "Expect:")
        }
        switch request.method {
        case .get, .head: clear(CURLOPT_CUSTOMREQUEST)
        case .put, .post, .delete: set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
    }
}
