// What rgwfs needs of libfuse, compiled and linked with the headers and the library of the Debian that this runs on
// (scripts/test-debian --compile-only). Every operation that Sources/RGWFuse fills in is in fusecheck.inc, which the
// script makes: OPERATION(name) a line. The shim is linked
// whole. It ends with 0 when the library takes the table.
#include "../../Sources/CRGWFuse/include/CRGWFuse.h"
#include <stdio.h>

static void never(void) {}

int main(void)
{
    struct fuse_lowlevel_ops operations = {0};
    int count = 0;
#define OPERATION(name) operations.name = (__typeof__(operations.name))never, count++;
#include "fusecheck.inc"
    char *arguments[] = {"fusecheck", "-ofsname=check,default_permissions"};
    struct fuse_session *session = CRGWFuse_session(2, arguments, &operations, &operations);
    if (session == NULL) {
        fprintf(stderr, "libfuse %s refuses the operations\n", fuse_pkgversion());
        return 1;
    }
    fuse_session_destroy(session);
    printf("libfuse %s, built with the headers of %d.%d: %d operations\n", fuse_pkgversion(), FUSE_MAJOR_VERSION,
           FUSE_MINOR_VERSION, count);
    return count > 0 ? 0 : 1;
}
