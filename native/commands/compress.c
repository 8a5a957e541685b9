#include "compress.h"

#include "../base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#ifdef SLIPWAY_ISAL
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

/*
 * Blocks of the tar are compressed apart from each other, each to a whole number of bytes (a full flush), and put together to one gzip member: the
 * result is the same however many threads there are.
 */
#define BLOCK_SIZE (1024 * 1024)
/* Should a block not get smaller it is stored: five bytes for each 64 KiB, and the flush. */
#define ROOM (BLOCK_SIZE + BLOCK_SIZE / 1024 + 4096)
#define MOST_THREADS 8
#define SLOTS_EACH 2
#define PROGRESS_EVERY (4 * BLOCK_SIZE)

static const unsigned char gzip_header[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4 /* fastest */, 255 /* no system's */};
/* An empty last block, byte-aligned as all before it. */
static const unsigned char last_block[2] = {0x03, 0x00};

struct slot {
    size_t taken, made; /* bytes of the tar, bytes compressed */
    bool done;
    unsigned char in[BLOCK_SIZE], out[ROOM];
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t filled, begun, written; /* blocks so far */
    bool over, failed;
    unsigned threads, slots;
    struct slot *slot;
};

struct output {
    int fd;
    uint64_t size;
    EVP_MD_CTX *hash;
};

#ifdef SLIPWAY_ISAL
struct deflater {
    struct isal_zstream stream;
    uint8_t buffer[ISAL_DEF_LVL1_DEFAULT];
};

static bool compress_block(struct deflater *deflater, struct slot *slot)
{
    struct isal_zstream *stream = &deflater->stream;
    isal_deflate_stateless_init(stream);
    stream->level = 1;
    stream->level_buf = deflater->buffer;
    stream->level_buf_size = sizeof deflater->buffer;
    stream->flush = FULL_FLUSH;
    stream->next_in = slot->in;
    stream->avail_in = (uint32_t)slot->taken;
    stream->next_out = slot->out;
    stream->avail_out = sizeof slot->out;
    int status = isal_deflate_stateless(stream);
    slot->made = sizeof slot->out - stream->avail_out;
    return status == COMP_OK && stream->avail_in == 0;
}

static uint32_t checksum(uint32_t before, const struct slot *slot)
{
    return crc32_gzip_refl(before, slot->in, slot->taken);
}
#else
struct deflater {
    z_stream stream;
};

static bool compress_block(struct deflater *deflater, struct slot *slot)
{
    z_stream *stream = &deflater->stream;
    *stream = (z_stream){.next_in = slot->in, .avail_in = (uInt)slot->taken, .next_out = slot->out, .avail_out = sizeof slot->out};
    if (deflateInit2(stream, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    int status = deflate(stream, Z_FULL_FLUSH);
    slot->made = sizeof slot->out - stream->avail_out;
    bool whole = status == Z_OK && stream->avail_in == 0 && stream->avail_out > 0;
    deflateEnd(stream);
    return whole;
}

static uint32_t checksum(uint32_t before, const struct slot *slot)
{
    return (uint32_t)crc32(before, slot->in, (uInt)slot->taken);
}
#endif

static void *crew_member(void *context)
{
    struct crew *crew = context;
    struct deflater *deflater = calloc(1, sizeof *deflater);

    pthread_mutex_lock(&crew->lock);
    for (;;) {
        while (crew->begun == crew->filled && !crew->over)
            pthread_cond_wait(&crew->changed, &crew->lock);
        if (crew->begun == crew->filled)
            break;
        struct slot *slot = &crew->slot[crew->begun++ % crew->slots];
        pthread_mutex_unlock(&crew->lock);
        bool able = deflater && compress_block(deflater, slot);
        pthread_mutex_lock(&crew->lock);
        slot->done = true;
        crew->failed |= !able;
        pthread_cond_broadcast(&crew->changed);
    }
    pthread_mutex_unlock(&crew->lock);
    free(deflater);
    return NULL;
}

static int put(struct output *output, const void *bytes, size_t length, struct error *err)
{
    EVP_DigestUpdate(output->hash, bytes, length);
    for (size_t done = 0; done < length;) {
        ssize_t count = write(output->fd, (const char *)bytes + done, length - done);
        if (count < 0 && errno != EINTR)
            return fail(err, errno, "write the compressed layer");
        done += count < 0 ? 0 : (size_t)count;
    }
    output->size += length;
    return 0;
}

static int fill(int source, struct slot *slot, struct error *err)
{
    slot->taken = 0;
    while (slot->taken < sizeof slot->in) {
        ssize_t count = read(source, slot->in + slot->taken, sizeof slot->in - slot->taken);
        if (count < 0 && errno != EINTR)
            return fail(err, errno, "read the layer");
        if (count == 0)
            break;
        slot->taken += count < 0 ? 0 : (size_t)count;
    }
    slot->done = false;
    return 0;
}

/* The oldest block, once it is compressed. NULL: it could not be. */
static const struct slot *next_done(struct crew *crew)
{
    const struct slot *slot = &crew->slot[crew->written % crew->slots];
    pthread_mutex_lock(&crew->lock);
    while (!slot->done)
        pthread_cond_wait(&crew->changed, &crew->lock);
    bool failed = crew->failed;
    pthread_mutex_unlock(&crew->lock);
    return failed ? NULL : slot;
}

static int tell(struct request *request, uint64_t bytes, uint64_t written, struct error *err)
{
    json_object *progress = json_object_new_object();
    json_object_object_add(progress, "bytes", json_object_new_int64((int64_t)bytes));
    json_object_object_add(progress, "written", json_object_new_int64((int64_t)written));
    return request_progress(request, progress, err);
}

static int compress_all(struct request *request, struct crew *crew, int source, EVP_MD_CTX *plain, struct output *output,
                        struct error *err)
{
    uint64_t bytes = 0, told = 0;
    uint32_t crc = 0;
    bool ended = false;

    TRY(put(output, gzip_header, sizeof gzip_header, err));
    while (!ended || crew->written < crew->filled) {
        if (!ended && crew->filled - crew->written < crew->slots) {
            struct slot *slot = &crew->slot[crew->filled % crew->slots];
            TRY(fill(source, slot, err));
            ended = slot->taken < sizeof slot->in;
            if (slot->taken == 0)
                continue;
            pthread_mutex_lock(&crew->lock);
            crew->filled++;
            pthread_cond_broadcast(&crew->changed);
            pthread_mutex_unlock(&crew->lock);
            EVP_DigestUpdate(plain, slot->in, slot->taken);
            crc = checksum(crc, slot);
            bytes += slot->taken;
            continue;
        }
        const struct slot *slot = next_done(crew);
        if (!slot)
            return fail(err, ENOMEM, "compress the layer");
        TRY(put(output, slot->out, slot->made, err));
        crew->written++;
        if (bytes - told >= PROGRESS_EVERY) {
            TRY(tell(request, bytes, output->size, err));
            told = bytes;
        }
    }
    TRY(put(output, last_block, sizeof last_block, err));
    unsigned char trailer[8];
    for (int i = 0; i < 4; i++) {
        trailer[i] = (unsigned char)(crc >> (8 * i));
        trailer[4 + i] = (unsigned char)(bytes >> (8 * i));
    }
    return put(output, trailer, sizeof trailer, err);
}

static int with_crew(struct request *request, int source, EVP_MD_CTX *plain, struct output *output, struct error *err)
{
    cpu_set_t cpus;
    struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t threads[MOST_THREADS];
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    unsigned wanted = count > MOST_THREADS ? MOST_THREADS : (unsigned)count;

    crew.slots = wanted * SLOTS_EACH;
    cleanup_free struct slot *slots = calloc(crew.slots, sizeof *slots);
    if (!slots)
        return fail(err, ENOMEM, "compress the layer");
    crew.slot = slots;
    while (crew.threads < wanted && pthread_create(&threads[crew.threads], NULL, crew_member, &crew) == 0)
        crew.threads++;
    int status = crew.threads == 0 ? fail(err, EAGAIN, "compress the layer")
                                   : compress_all(request, &crew, source, plain, output, err);
    pthread_mutex_lock(&crew.lock);
    crew.over = true;
    pthread_cond_broadcast(&crew.changed);
    pthread_mutex_unlock(&crew.lock);
    for (unsigned i = 0; i < crew.threads; i++)
        pthread_join(threads[i], NULL);
    return status;
}

static void add_digest(json_object *reply, const char *name, EVP_MD_CTX *hash)
{
    unsigned char digest[32];
    char text[72];
    EVP_DigestFinal_ex(hash, digest, NULL);
    char *end = text + sprintf(text, "sha256:");
    for (size_t i = 0; i < sizeof digest; i++)
        end += sprintf(end, "%02x", digest[i]);
    json_object_object_add(reply, name, json_object_new_string(text));
}

int compress_op(struct request *request, struct error *err)
{
    const char *blob, *target;
    TRY(request_path_below_data(request, "blob", &blob, err));
    TRY(request_path_below_data(request, "target", &target, err));
    cleanup_close int source = open(blob, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (source < 0)
        return fail(err, errno, "open %s", blob);
    cleanup_close int file = open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return fail(err, errno, "make %s", target);
    posix_fadvise(source, 0, 0, POSIX_FADV_SEQUENTIAL);

    struct output output = {.fd = file, .hash = EVP_MD_CTX_new()};
    EVP_MD_CTX *plain = EVP_MD_CTX_new();
    int status = output.hash && plain && EVP_DigestInit_ex(output.hash, EVP_sha256(), NULL) && EVP_DigestInit_ex(plain, EVP_sha256(), NULL)
                     ? with_crew(request, source, plain, &output, err)
                     : fail(err, ENOMEM, "compress the layer");
    if (status == 0) {
        add_digest(request->reply, "digest", output.hash);
        add_digest(request->reply, "plain", plain);
        json_object_object_add(request->reply, "size", json_object_new_int64((int64_t)output.size));
    } else {
        unlink(target);
    }
    EVP_MD_CTX_free(output.hash);
    EVP_MD_CTX_free(plain);
    return status;
}
