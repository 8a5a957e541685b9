/* Prints the effective user id and the effective capabilities. */
#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return 1;
    printf("%u %08x%08x\n", geteuid(), data[1].effective, data[0].effective);
    return 0;
}
