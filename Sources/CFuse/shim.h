// libfuse3's low-level API. FUSE_USE_VERSION is pinned here and nowhere else.
// _FILE_OFFSET_BITS is not defined: on 64-bit Linux it changes nothing, and defining it gives Swift two definitions of struct flock.
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
