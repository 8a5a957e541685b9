/* monitor/input.c: what clients type, on its way to the process's stdin or terminal. */
#include "monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int input_descriptor(const struct process *process)
{
    return process->console >= 0 ? process->console : process->in;
}

bool input_waiting(const struct process *process)
{
    return process->input.start < process->input.end && input_descriptor(process) >= 0;
}

bool input_wanted(const struct process *process)
{
    return process->input.start == process->input.end;
}

void input_abandon(struct process *process)
{
    process->input.start = process->input.end = 0;
    free(process->input.bytes);
    process->input.bytes = NULL;
    if (process->in >= 0)
        close(process->in);
    process->in = -1;
}

/* A terminal has no end of input to pass on: who holds it may type again later. */
void input_close(struct process *process)
{
    if (process->terminal)
        return;
    process->input.closing = true;
    if (input_wanted(process))
        input_abandon(process);
}

ssize_t input_receive(struct process *process, int client)
{
    struct input *input = &process->input;
    if (!input->bytes && !(input->bytes = malloc(INPUT_SIZE)))
        return 0;
    ssize_t got = recv(client, input->bytes, INPUT_SIZE, MSG_DONTWAIT);
    if (got <= 0)
        return got;
    input->start = 0;
    input->end = (size_t)got;
    if (input_descriptor(process) >= 0)
        input_write(process);
    else if (process->phase != CREATED)
        input->end = 0; /* nobody reads it any more */
    return got;
}

void input_write(struct process *process)
{
    struct input *input = &process->input;
    while (input_waiting(process)) {
        ssize_t written = write(input_descriptor(process), input->bytes + input->start, input->end - input->start);
        if (written < 0) {
            if (errno != EAGAIN && errno != EINTR)
                input_abandon(process);
            return;
        }
        input->start += (size_t)written;
    }
    if (input->closing)
        input_abandon(process);
}
