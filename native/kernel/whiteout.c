#include "whiteout.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* How many ids /proc/self/uid_map maps. */
static unsigned long long mapped_ids(void)
{
    cleanup_fclose FILE *map = fopen("/proc/self/uid_map", "re");
    unsigned long long inside, outside, length, total = 0;
    while (map && fscanf(map, "%llu %llu %llu", &inside, &outside, &length) == 3)
        total += length;
    return total;
}

bool in_user_namespace(void)
{
    return mapped_ids() != 4294967295ULL; /* the initial namespace maps every id but -1 */
}

bool in_single_id_namespace(void)
{
    return mapped_ids() == 1;
}

int whiteout_make(int dir, const char *name, struct error *err)
{
    if (mknodat(dir, name, S_IFCHR, makedev(0, 0)) < 0)
        return fail(err, errno, "hide %s from lower layers", name);
    return 0;
}

bool whiteout_is(const struct stat *stat)
{
    return S_ISCHR(stat->st_mode) && stat->st_rdev == makedev(0, 0);
}

static const char *opaque_attribute(void)
{
    return in_user_namespace() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

int opaque_make(int dir, struct error *err)
{
    if (fsetxattr(dir, opaque_attribute(), "y", 1, 0) < 0)
        return fail(err, errno, "set %s: the file system must support extended attributes", opaque_attribute());
    return 0;
}

bool opaque_is(int dir)
{
    char value;
    return fgetxattr(dir, opaque_attribute(), &value, 1) == 1 && value == 'y';
}

bool is_overlay_attribute(const char *name)
{
    return strncmp(name, "trusted.overlay.", 16) == 0 || strncmp(name, "user.overlay.", 13) == 0 || strncmp(name, "user.fuseoverlayfs.", 19) == 0;
}

bool is_overlay_file(const char *name)
{
    return strcmp(name, ".wh..wh..opq") == 0 || strcmp(name, ".wh..opq") == 0;
}
