// libcurl as the C shim sees it; Swift uses CRGWCurl, because curl_easy_setopt is variadic.
#include <curl/curl.h>
