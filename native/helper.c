/* slipway-helper: asks the kernel for what the engine cannot. `serve` is the engine's helper; everything else is an OCI runtime. */
#include "commands/oci.h"
#include "commands/serve.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return serve_main(argc - 1, argv + 1);
    return oci_main(argc, argv);
}
