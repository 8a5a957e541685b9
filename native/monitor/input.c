/* monitor/input.c: what clients type, on its way to the process's stdin or terminal. */
#include "monitor.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    unsigned char bytes[READ_SIZE];
    size_t start, end;
    bool closing;
} input;

int input_descriptor(void)
{
    return monitor.options.console >= 0 ? monitor.options.console : monitor.options.in;
}

bool input_waiting(void)
{
    return input.start < input.end;
}

bool input_wanted(void)
{
    return !input_waiting();
}

void input_abandon(void)
{
    input.start = input.end = 0;
    if (monitor.options.in >= 0)
        close(monitor.options.in);
    monitor.options.in = -1;
}

/* A terminal has no end of input to pass on: who holds it may type again later. */
void input_close(void)
{
    if (monitor.options.console >= 0)
        return;
    input.closing = true;
    if (!input_waiting())
        input_abandon();
}

ssize_t input_receive(int client)
{
    ssize_t got = recv(client, input.bytes, sizeof input.bytes, MSG_DONTWAIT);
    if (got <= 0)
        return got;
    input.start = 0;
    input.end = (size_t)got;
    if (input_descriptor() >= 0)
        input_write();
    else if (monitor.phase != CREATED)
        input.end = 0; /* nobody reads it any more */
    return got;
}

void input_write(void)
{
    while (input_waiting()) {
        ssize_t written = write(input_descriptor(), input.bytes + input.start, input.end - input.start);
        if (written < 0) {
            if (errno != EAGAIN && errno != EINTR)
                input_abandon();
            return;
        }
        input.start += (size_t)written;
    }
    if (input.closing)
        input_abandon();
}
