# What a machine or a hosted runner has, for the commands of the documentation and of .github/workflows. Its engine is that of the machine.
FROM node:24-trixie-slim
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends sudo git docker-cli docker-buildx docker-compose gcc libc6-dev >/dev/null
# What the network needs may be in the environment.
RUN echo 'Defaults !env_reset' >/etc/sudoers.d/runner && useradd --create-home user
