/* companion/loop.c: who waits for which descriptor, and what is done each second. */
#include "companion.h"
#include "loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define BATCH 128
#define MOST_TICKS 8

/* By descriptor. The generation tells an event of a descriptor that was closed in the same batch from one of its successor with the same number. */
struct slot {
    loop_ready *ready;
    void *data;
    uint32_t generation;
};

static struct slot *slots;
static size_t slot_count;
static int poller = -1;
static loop_tick *ticks[MOST_TICKS];
static size_t tick_count;

int64_t loop_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int make_room(int fd)
{
    if (poller < 0 && (poller = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return -1;
    if ((size_t)fd < slot_count)
        return 0;
    size_t count = slot_count ? slot_count : 64;
    while (count <= (size_t)fd)
        count *= 2;
    struct slot *more = realloc(slots, count * sizeof *slots);
    if (!more)
        return -1;
    for (size_t i = slot_count; i < count; i++)
        more[i] = (struct slot){0};
    slots = more;
    slot_count = count;
    return 0;
}

static int control(int operation, int fd, uint32_t events, loop_ready *ready, void *data)
{
    struct slot *slot = &slots[fd];
    struct epoll_event event = {.events = events, .data.u64 = (uint64_t)slot->generation << 32 | (uint32_t)fd};
    if (epoll_ctl(poller, operation, fd, &event) < 0)
        return -1;
    slot->ready = ready;
    slot->data = data;
    return 0;
}

int loop_add(int fd, uint32_t events, loop_ready *ready, void *data)
{
    return make_room(fd) < 0 ? -1 : control(EPOLL_CTL_ADD, fd, events, ready, data);
}

int loop_modify(int fd, uint32_t events, loop_ready *ready, void *data)
{
    if (fd < 0 || (size_t)fd >= slot_count || !slots[fd].ready) {
        errno = ENOENT;
        return -1;
    }
    return control(EPOLL_CTL_MOD, fd, events, ready, data);
}

void loop_remove(int fd)
{
    if (fd < 0 || (size_t)fd >= slot_count || !slots[fd].ready)
        return;
    epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL);
    slots[fd].ready = NULL;
    slots[fd].generation++;
}

void loop_every_second(loop_tick *tick)
{
    if (tick_count < MOST_TICKS)
        ticks[tick_count++] = tick;
}

int loop_run(const bool *ending)
{
    struct epoll_event events[BATCH];
    int64_t next = loop_now_ms() + 1000;
    while (!*ending) {
        int64_t left = next - loop_now_ms();
        int count = epoll_wait(poller, events, BATCH, left > 0 ? (int)left : 0);
        if (count < 0 && errno != EINTR)
            return -1;
        for (int i = 0; i < count; i++) {
            int fd = (int)(uint32_t)events[i].data.u64;
            struct slot slot = slots[fd]; /* a copy: the callback may move the table */
            if (slot.ready && slot.generation == (uint32_t)(events[i].data.u64 >> 32))
                slot.ready(fd, events[i].events, slot.data);
        }
        if (loop_now_ms() < next)
            continue;
        next = loop_now_ms() + 1000;
        for (size_t i = 0; i < tick_count; i++)
            ticks[i]();
    }
    return 0;
}
