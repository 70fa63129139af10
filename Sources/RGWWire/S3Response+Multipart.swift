extension S3Response {
    /// InitiateMultipartUploadResult: the upload's id.
    package func uploadID() throws(S3Failure) -> String {
        try requireSuccess()
        var xml = try reader(root: "InitiateMultipartUploadResult")
        let id = try parsing { () throws(XMLError) -> String in
            var id = ""
            while let name = try xml.nextChild() {
                if name == "UploadId" { id = try xml.string() } else { try xml.skip() }
            }
            try xml.finish()
            return id
        }
        guard !id.isEmpty else { throw malformed("no UploadId") }
        return id
    }

    /// CompleteMultipartUploadResult. Its ETag is empty on RGW 16, so it is not looked at; an error
    /// may come under status 200.
    package func requireCompleted() throws(S3Failure) {
        try requireSuccess()
        var xml = try reader(root: "CompleteMultipartUploadResult")
        try parsing { () throws(XMLError) in
            try xml.skip()
            try xml.finish()
        }
    }
}
