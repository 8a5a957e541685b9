#include "caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(number) (UINT64_C(1) << (number))

/* The kernel answers EINVAL for numbers it does not know. */
static bool known(int number)
{
    return prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0;
}

struct spec_caps caps_all(void)
{
    uint64_t all = 0;
    for (int number = 0; number < 64 && known(number); number++)
        if (prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1)
            all |= BIT(number);
    return (struct spec_caps){.bounding = all, .effective = all, .permitted = all};
}

int caps_bound(const struct spec_caps *caps, struct error *err)
{
    for (int number = 0; number < 64 && known(number); number++)
        if (!(caps->bounding & BIT(number)) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0)
            return fail(err, errno, "drop %s from the bounding set", spec_capability_name(number) ? spec_capability_name(number) : "a capability");
    return 0;
}

static int get(struct __user_cap_data_struct data[2], struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capget, &header, data) == 0 ? 0 : fail(err, errno, "read the capabilities");
}

static int set(const struct __user_cap_data_struct data[2], struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    return syscall(SYS_capset, &header, data) == 0 ? 0 : fail(err, errno, "set the capabilities");
}

int caps_raise(struct error *err)
{
    struct __user_cap_data_struct data[2];
    TRY(get(data, err));
    for (int half = 0; half < 2; half++)
        data[half].effective = data[half].permitted;
    return set(data, err);
}

int caps_drop(const struct spec_caps *caps, struct error *err)
{
    struct __user_cap_data_struct now[2], data[2];
    TRY(get(now, err));
    for (int half = 0; half < 2; half++) {
        /* What we do not have ourselves cannot be given. */
        data[half].permitted = (uint32_t)(caps->permitted >> (32 * half)) & now[half].permitted;
        data[half].effective = (uint32_t)(caps->effective >> (32 * half)) & data[half].permitted;
        data[half].inheritable = (uint32_t)(caps->inheritable >> (32 * half)) & data[half].permitted;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return fail(err, errno, "clear the ambient capabilities");
    TRY(set(data, err));
    /* Only what is inheritable can be ambient; some specs ask for more, and get less. */
    uint64_t possible = caps->ambient & (data[0].inheritable | (uint64_t)data[1].inheritable << 32);
    for (int number = 0; number < 64; number++)
        if ((possible & BIT(number)) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) < 0)
            return fail(err, errno, "make %s ambient", spec_capability_name(number));
    return 0;
}
