#include "CRGWHost.h"
