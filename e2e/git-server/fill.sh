#!/bin/sh
# fill.sh PROJECT VERSION: makes two bare repositories of a PyPI project's source archive:
#   public.git   branch main (the default), branch next with a service and its log, tag VERSION
#   private.git  the same, and asks for a user and a password
# The work tree is where an agent has it, so that the paths in its logs are the agent's own.
set -eu
project=$1 version=$2
work=/workspace/source
export GIT_AUTHOR_NAME=e2e GIT_AUTHOR_EMAIL=e2e@example.org GIT_COMMITTER_NAME=e2e GIT_COMMITTER_EMAIL=e2e@example.org
export GIT_AUTHOR_DATE=2025-01-01T00:00:00Z GIT_COMMITTER_DATE=2025-01-01T00:00:00Z

mkdir -p /tmp/archive $work /srv/git
pip download --quiet --no-deps --no-binary "$project" --dest /tmp/archive "$project==$version"
tar -xzf /tmp/archive/*.tar.gz -C $work --strip-components 1

cd $work
git init --quiet --initial-branch main .
git add --all
git commit --quiet --message "$project $version"
git tag "$version"
git switch --quiet --create next
mkdir -p logs
cp /build/service.py .
PYTHONPATH=src python3 $work/service.py > logs/service.log
git add --force logs service.py
git commit --quiet --message "A service that reads settings, and its log"
git switch --quiet main

git clone --quiet --bare . /srv/git/public.git
git clone --quiet --bare . /srv/git/private.git
echo 'reader:correct-horse' > /srv/git/private.git/htpasswd
rm -rf /tmp/archive /workspace
chown -R 10001:10001 /srv/git
