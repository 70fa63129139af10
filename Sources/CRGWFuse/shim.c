#include "CRGWFuse.h"
