#include "feed.h"

#include "codecs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BLOCK_SIZE (256 * 1024)
#define BLOCKS 8

struct block {
    size_t length;
    unsigned char bytes[BLOCK_SIZE];
};

struct feed {
    int source;
    int stop; /* an eventfd: readable once nobody wants more, even while a body does not come */
    atomic_uint_fast64_t taken;
    unsigned char input[64 * 1024];
    EVP_MD_CTX *hash;
    unsigned char digest[32];

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned filled, emptied; /* blocks so far; the block being read counts as not yet emptied */
    bool reading, ended, failed, stopped;
    struct error err;
    struct block ring[BLOCKS];
};

static ssize_t read_source(struct archive *archive, void *context, const void **bytes)
{
    struct feed *feed = context;
    *bytes = feed->input;
    struct pollfd events[] = {{.fd = feed->source, .events = POLLIN}, {.fd = feed->stop, .events = POLLIN}};
    for (;;) {
        ssize_t count = poll(events, 2, -1);
        if (count > 0 && events[1].revents)
            return 0; /* nobody wants more: as if it ended here */
        if (count > 0)
            count = read(feed->source, feed->input, sizeof feed->input);
        if (count >= 0) {
            atomic_fetch_add(&feed->taken, (uint64_t)count);
            return count;
        }
        if (errno != EINTR) {
            archive_set_error(archive, errno, "read the layer");
            return -1;
        }
    }
}

/* Waits for room in the ring; NULL when nobody wants more. */
static struct block *next_free(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    while (!feed->stopped && feed->filled - feed->emptied == BLOCKS)
        pthread_cond_wait(&feed->changed, &feed->lock);
    struct block *block = feed->stopped ? NULL : &feed->ring[feed->filled % BLOCKS];
    pthread_mutex_unlock(&feed->lock);
    return block;
}

static void hand_over(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->filled++;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

static int open_decompressor(struct archive *archive, struct feed *feed)
{
    if (codecs_enable(archive) != ARCHIVE_OK)
        return ARCHIVE_FATAL;
    archive_read_support_format_raw(archive);
    archive_read_support_format_empty(archive);
    int status = archive_read_open(archive, feed, NULL, read_source, NULL);
    struct archive_entry *entry;
    return status < ARCHIVE_OK ? status : archive_read_next_header(archive, &entry);
}

static int decompress(struct feed *feed, struct archive *archive)
{
    int status = open_decompressor(archive, feed);
    struct block *block = status == ARCHIVE_OK ? next_free(feed) : NULL;
    while (block) {
        la_ssize_t count = archive_read_data(archive, block->bytes, sizeof block->bytes);
        if (count < 0)
            return (int)count;
        if (count == 0)
            return ARCHIVE_EOF;
        block->length = (size_t)count;
        EVP_DigestUpdate(feed->hash, block->bytes, block->length);
        hand_over(feed);
        block = next_free(feed);
    }
    return status;
}

static void *feed_main(void *context)
{
    struct feed *feed = context;
    struct archive *archive = archive_read_new();
    int status = archive ? decompress(feed, archive) : ARCHIVE_FATAL;

    pthread_mutex_lock(&feed->lock);
    if (status < ARCHIVE_OK) {
        feed->failed = true;
        const char *reason = archive ? archive_error_string(archive) : NULL;
        fail_kind(&feed->err, "invalid", 0, "the layer cannot be decompressed: %s", reason ? reason : "out of memory");
    } else {
        EVP_DigestFinal_ex(feed->hash, feed->digest, NULL);
    }
    feed->ended = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    if (archive)
        archive_read_free(archive);
    return NULL;
}

int feed_open(int source, struct feed **out, struct error *err)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return fail(err, ENOMEM, "read the layer");
    feed->source = source;
    feed->stop = eventfd(0, EFD_CLOEXEC);
    feed->hash = EVP_MD_CTX_new();
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    int error = feed->stop >= 0 && feed->hash && EVP_DigestInit_ex(feed->hash, EVP_sha256(), NULL) ? 0 : ENOMEM;
    if (error == 0)
        error = pthread_create(&feed->thread, NULL, feed_main, feed);
    if (error != 0) {
        if (feed->stop >= 0)
            close(feed->stop);
        EVP_MD_CTX_free(feed->hash);
        free(feed);
        return fail(err, error, "read the layer");
    }
    *out = feed;
    return 0;
}

ssize_t feed_next(struct feed *feed, const void **bytes, struct error *err)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->reading) {
        feed->emptied++;
        feed->reading = false;
        pthread_cond_broadcast(&feed->changed);
    }
    while (feed->emptied == feed->filled && !feed->ended)
        pthread_cond_wait(&feed->changed, &feed->lock);
    ssize_t count = 0;
    if (feed->emptied != feed->filled) {
        struct block *block = &feed->ring[feed->emptied % BLOCKS];
        feed->reading = true;
        *bytes = block->bytes;
        count = (ssize_t)block->length;
    } else if (feed->failed) {
        *err = feed->err;
        count = -1;
    }
    pthread_mutex_unlock(&feed->lock);
    return count;
}

uint64_t feed_taken(const struct feed *feed)
{
    return atomic_load(&feed->taken);
}

void feed_digest(const struct feed *feed, char digest[72])
{
    char *end = digest + sprintf(digest, "sha256:");
    for (size_t i = 0; i < sizeof feed->digest; i++)
        end += sprintf(end, "%02x", feed->digest[i]);
}

void feed_close(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->stopped = true;
    pthread_cond_broadcast(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    eventfd_write(feed->stop, 1);
    pthread_join(feed->thread, NULL);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->changed);
    EVP_MD_CTX_free(feed->hash);
    close(feed->stop);
    free(feed);
}
