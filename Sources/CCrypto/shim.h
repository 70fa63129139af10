// libcrypto as Swift sees it: digests and HMAC only.
#include <openssl/evp.h>
#include <openssl/hmac.h>
