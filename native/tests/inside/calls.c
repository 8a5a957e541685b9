/* tests/inside/calls.c: makes system calls that a default container must not make, and says what came of each. Static, run inside. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static void say(const char *what, long result)
{
    printf("%s %s\n", what, result >= 0 ? "ok" : errno == EPERM ? "EPERM" : errno == ENOSYS ? "ENOSYS" : strerror(errno));
}

#ifdef __x86_64__
/* The 32-bit entry of a 64-bit process: seccomp sees the i386 architecture. */
static long call32(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) {
        errno = (int)-result;
        return -1;
    }
    return result;
}
#endif

int main(void)
{
    say("socket AF_ALG", syscall(SYS_socket, 38, 5, 0));
    say("socket AF_VSOCK", syscall(SYS_socket, 40, 1, 0));
    say("socket AF_ALG, high bits", syscall(SYS_socket, 0x100000026L, 5, 0));
    say("socket AF_INET", syscall(SYS_socket, 2, 1, 0));
    say("socket AF_UNIX", syscall(SYS_socket, 1, 1, 0));
#ifdef __x86_64__
    unsigned *args = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    memcpy(args, (unsigned[]){38, 5, 0}, 12);
    say("32-bit socketcall AF_ALG", call32(102, 1, (long)args, 0));
    say("32-bit socket AF_ALG", call32(359, 38, 5, 0));
    say("32-bit socket AF_INET", call32(359, 2, 1, 0));
    say("x32 socket AF_ALG", syscall(0x40000000 + 41, 38, 5, 0));
    say("x32 socket AF_ALG, high bits", syscall(0x40000000 + 41, 0x100000026L, 5, 0));
#endif
    say("fchmodat2", syscall(SYS_fchmodat2, -100, "/tmp", 0777, 0));
    say("a call that does not exist", syscall(2000));
    static const struct {
        const char *name;
        long number;
    } forbidden[] = {
        {"mount", SYS_mount},           {"umount2", SYS_umount2},
        {"unshare", SYS_unshare},       {"setns", SYS_setns},
        {"pivot_root", SYS_pivot_root}, {"fsopen", SYS_fsopen},
        {"fsmount", SYS_fsmount},       {"fsconfig", SYS_fsconfig},
        {"move_mount", SYS_move_mount}, {"open_tree", SYS_open_tree},
        {"bpf", SYS_bpf},               {"keyctl", SYS_keyctl},
        {"add_key", SYS_add_key},       {"request_key", SYS_request_key},
        {"io_uring_setup", SYS_io_uring_setup}, {"userfaultfd", SYS_userfaultfd},
        {"perf_event_open", SYS_perf_event_open}, {"init_module", SYS_init_module},
        {"finit_module", SYS_finit_module}, {"delete_module", SYS_delete_module},
        {"kexec_load", SYS_kexec_load}, {"reboot", SYS_reboot},
        {"swapon", SYS_swapon},         {"swapoff", SYS_swapoff},
        {"acct", SYS_acct},             {"quotactl", SYS_quotactl},
        {"open_by_handle_at", SYS_open_by_handle_at}, {"syslog", SYS_syslog},
        {"settimeofday", SYS_settimeofday}, {"clock_settime", SYS_clock_settime},
    };
    for (unsigned i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
        say(forbidden[i].name, syscall(forbidden[i].number, -1, -1, -1, -1, -1));
    say("clone with a user namespace", syscall(SYS_clone, 0x10000000L | 17, 0, 0, 0, 0));
    say("clone3", syscall(SYS_clone3, NULL, 0));
    return 0;
}
