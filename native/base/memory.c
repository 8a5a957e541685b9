#include "memory.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int memory_copy_of(int program, const char *name, struct error *err)
{
    struct stat info;
    cleanup_close int copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (copy < 0 && errno == EINVAL) /* before Linux 6.3 every one may be executed */
        copy = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0 || fstat(program, &info) < 0)
        return fail(err, errno, "copy %s", name);
    for (off_t done = 0; done < info.st_size;)
        if (sendfile(copy, program, &done, (size_t)(info.st_size - done)) <= 0)
            return fail(err, errno, "copy %s", name);
    if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
        return fail(err, errno, "seal the copy of %s", name);
    return steal_fd(&copy);
}

int memory_run_from(char **argv, struct error *err)
{
    cleanup_close int program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (program < 0)
        return fail(err, errno, "open this program (is /proc mounted?)");
    int seals = fcntl(program, F_GET_SEALS);
    if (seals >= 0 && (seals & SEALS) == SEALS)
        return 0;
    cleanup_close int copy = memory_copy_of(program, "slipway-helper", err);
    if (copy < 0)
        return -1;
    syscall(SYS_execveat, copy, "", argv, environ, AT_EMPTY_PATH);
    return fail(err, errno, "run the copy of this program");
}
