#include "CRGWCurl.h"
