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
