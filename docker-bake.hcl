# That of package.json.
variable "VERSION" { default = "1.0.0" }

variable "REVISION" { default = "dev" }

# The beginning of a QEMU version, such as "11.1". By default, the first packages that qemu/fetch finds, or the newest source.
variable "QEMU_VERSION" { default = "" }

# debian: the emulators of Debian's package. source: QEMU, built from source; see docs/images.md. Anything else is an error.
# The default is debian, and for a release source.
variable "EMULATORS" { default = "" }

# Which emulators an image carries: image, full, or a list such as "arm64,riscv64" (qemu/sets.ts).
variable "SET" { default = "image" }

variable "IMAGE" { default = "binfmt" }

group "default" { targets = ["image"] }

target "_common" {
  args = {
    VERSION      = VERSION
    REVISION     = REVISION
    QEMU_VERSION = QEMU_VERSION
    EMULATORS    = { "" = "debian", debian = "debian", source = "source" }[EMULATORS]
  }
}

# For this host. Unless SET says otherwise, with emulators of the platforms that container images exist for.
target "image" {
  inherits = ["_common"]
  target   = "image"
  args     = { SET = SET, IMAGE = IMAGE }
  tags     = ["${IMAGE}:latest", "${IMAGE}:${VERSION}"]
  output   = ["type=docker"]
}

# The same for every host, as one image. These platforms are the list of hosts: image/hosts.ts reads it.
target "image-all" {
  inherits  = ["image"]
  platforms = ["linux/amd64", "linux/arm64", "linux/riscv64", "linux/ppc64le", "linux/s390x"]
  output    = ["type=image,oci-mediatypes=true"]
  attest    = ["type=provenance,disabled=true"]
}

# The same, pushed to the registry that IMAGE names as 1.2.3, 1.2, 1 and latest, with emulators from source, smaller layers, and
# provenance.
target "release" {
  inherits = ["image-all"]
  tags     = [for tag in [VERSION, join(".", slice(split(".", VERSION), 0, 2)), split(".", VERSION)[0], "latest"] : "${IMAGE}:${tag}"]
  args     = { EMULATORS = { "" = "source", debian = "debian", source = "source" }[EMULATORS] }
  output   = ["type=image,push=true,oci-mediatypes=true,compression=zstd,compression-level=22,force-compression=true"]
  attest   = ["type=provenance,mode=max"]
}

# For this host, with emulators of all architectures of QEMU's user emulation.
target "image-full" {
  inherits = ["image"]
  args     = { SET = "full", IMAGE = "${IMAGE}:full" }
  tags     = ["${IMAGE}:full"]
}

# Only the emulators, written to ./bin.
target "emulators" {
  inherits = ["_common"]
  target   = "emulators"
  args     = { SET = "full" }
  output   = ["type=local,dest=bin"]
}

# The newest QEMU of Debian's packages, and that of the sources, as two files in ./versions.
target "versions" {
  inherits = ["_common"]
  target   = "versions"
  output   = ["type=local,dest=versions"]
}

# Checks the C code and the shell scripts (test/static).
target "validate" {
  inherits = ["_common"]
  target   = "validate"
  output   = ["type=cacheonly"]
}
