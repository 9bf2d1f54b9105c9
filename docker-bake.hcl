variable "REVISION" { default = "dev" }

# The beginning of a version, such as "11.1"; empty: the newest that Debian has.
variable "QEMU_VERSION" { default = "" }

variable "IMAGE" { default = "binfmt" }

group "default" { targets = ["image"] }

target "_common" {
  args = {
    REVISION     = REVISION
    QEMU_VERSION = QEMU_VERSION
  }
}

# The platforms that container images exist for.
target "image" {
  inherits = ["_common"]
  target   = "image"
  args     = { SET = "image", IMAGE = IMAGE }
  tags     = ["${IMAGE}:latest"]
  output   = ["type=docker"]
}

# The same for every host, as one image.
target "image-all" {
  inherits  = ["image"]
  platforms = ["linux/amd64", "linux/arm64", "linux/riscv64", "linux/ppc64le", "linux/s390x"]
  output    = ["type=image,oci-mediatypes=true"]
  attest    = ["type=provenance,disabled=true"]
}

# The same, pushed to where IMAGE says, smaller, and with its provenance.
target "release" {
  inherits = ["image-all"]
  output   = ["type=image,push=true,oci-mediatypes=true,compression=zstd,compression-level=22,force-compression=true"]
  attest   = ["type=provenance,mode=max"]
}

# Every architecture that QEMU's user emulation covers.
target "image-full" {
  inherits = ["image"]
  args     = { SET = "full", IMAGE = "${IMAGE}:full" }
  tags     = ["${IMAGE}:full"]
}

# The emulators alone, to ./bin.
target "emulators" {
  inherits = ["_common"]
  target   = "emulators"
  args     = { SET = "full" }
  output   = ["type=local,dest=bin"]
}

# Lint and types.
target "validate" {
  inherits = ["_common"]
  target   = "validate"
  output   = ["type=cacheonly"]
}
