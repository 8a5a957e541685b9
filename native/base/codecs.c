#include "codecs.h"

#include <errno.h>

int codecs_enable(struct archive *archive)
{
    if (archive_read_support_filter_gzip(archive) == ARCHIVE_OK && archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
        archive_read_support_filter_xz(archive) == ARCHIVE_OK && archive_read_support_filter_bzip2(archive) == ARCHIVE_OK)
        return ARCHIVE_OK;
    archive_set_error(archive, ENOSYS, "libarchive was built without one of gzip, zstd, xz and bzip2");
    return ARCHIVE_FATAL;
}
