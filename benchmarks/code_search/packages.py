"""The public packages that the sets are made of, with the versions that the figures were taken with.

The lists were fixed before anything was measured; a package's half follows from its name alone.
"""

from __future__ import annotations


def _pinned(text: str) -> dict[str, str]:
    return dict(word.split("=") for word in text.split())


# Wheels, for docstring → function.
PYTHON = _pinned("""
aiohttp=3.14.5 ansible-core=2.21.5 anyio=4.16.0 astropy=8.0.2 attrs=26.1.0 biopython=1.88 black=26.10.1
bokeh=3.10.1 boto3=1.44.5 botocore=1.44.5 celery=5.7.0 click=8.5.1 cryptography=50.0.2 dask=2026.8.0
distributed=2026.8.0 django=6.1.3 docker=7.2.0 docutils=0.23 fabric=3.2.3 falcon=4.4.0 fastapi=0.163.2
flask=3.1.3 gensim=4.4.0 geopandas=1.2.0 httpx=0.28.1 hypothesis=6.170.15 ipython=9.18.1 jinja2=3.1.6
jupyter-client=8.10.0 jupyter-server=2.21.1 keras=3.15.1 kombu=5.7.0 luigi=3.8.1 lxml=6.1.3
marshmallow=4.4.0 matplotlib=3.11.2 mitmproxy=12.3.1 mongoengine=0.29.3 music21=10.5.1 mypy=2.4.1
nbconvert=7.17.2 networkx=3.7 nltk=3.10.4 numpy=2.5.5 pandas=3.1.1 paramiko=5.1.0 peewee=4.5.3
pillow=13.0.0 poetry=2.5.1 psutil=7.2.2 pydantic=2.14.3 pygments=2.21.0 pylint=4.1.4 pymongo=4.20.0
pyramid=2.1 pytest=9.2.0 pyyaml=6.0.3 rdflib=7.6.0 redis=8.1.0 requests=2.34.2 rich=15.0.0
scikit-image=0.26.0 scikit-learn=1.9.1 scipy=1.18.1 scrapy=2.19.0 setuptools=84.2.1 simpy=4.1.2
spacy=3.8.18 sphinx=9.2.0 sqlalchemy=2.1.9 statsmodels=0.15.0 sympy=1.14.0 tornado=6.6.1 trio=0.35.0
werkzeug=3.1.9 xarray=2026.9.0 zope.interface=8.7
""")

# Debian's sources with patches that tell of faults, for text → file. Samba, GDB, rustc and Ansible have some
# too, but more files than all these together.
PATCHED = _pinned("""
ant=1.10.13-1 busybox=1:1.35.0-4+deb12u1 calibre=6.13.0+repack-2+deb12u10 containerd=1.6.20~ds1-1+deb12u3
curl=7.88.1-10+deb12u15 docker.io=20.10.24+dfsg1-1+deb12u1 etcd=3.4.23-4 exim4=4.96-15+deb12u10
freeradius=3.2.1+dfsg-4+deb12u1 glib2.0=2.74.6-2+deb12u9 jetty9=9.4.57-1.1~deb12u1 kio=5.103.0-1+deb12u1
krb5=1.20.1-2+deb12u5 libpod=4.3.1+ds1-8+deb12u1 libspring-java=4.3.30-2 libxml2=2.9.14+dfsg-1.3~deb12u6
netty=1:4.1.48-7+deb12u2 network-manager=1.42.4-1+deb12u1 neutron=2:21.0.0-7+deb12u1
node-express=4.18.2+~4.17.14-1 openssh=1:9.2p1-2+deb12u10 openvpn=2.6.14-0+deb12u2
phpmyadmin=4:5.2.1+dfsg-1+deb12u1 poppler=22.12.0-2+deb12u3 redis=5:7.0.15-1~deb12u10
runc=1.1.5+ds1-1+deb12u1 squid=5.7-2+deb12u6 symfony=5.4.53+dfsg-0+deb12u1 systemd=252.39-1~deb12u2
tiff=4.5.0-6+deb12u4 unbound=1.17.1-2+deb12u4 vim=2:9.0.1378-2+deb12u2 wordpress=6.1.9+dfsg1-0+deb12u1
zookeeper=3.8.0-11+deb12u2
""")

# What documents its functions in comments: Debian's sources and npm's packages.
COMMENTED_DEBIAN = _pinned("""
apr=1.7.2-3+deb12u1 composer=2.5.5-1+deb12u5 fmtlib=9.1.0+ds1-2 golang-github-gorilla-mux=1.8.0-1
golang-github-spf13-cobra=1.6.1-1 golang-google-grpc=1.33.3-2 guava-libraries=31.1-1
jackson-databind=2.14.0-1+deb12u1 jsoup=1.15.3-1 kcoreaddons=5.103.0-1
libcommons-lang3-java=3.12.0-2+deb12u1 libfilezilla=0.41.0-2 libsodium=1.0.18-1+deb12u1 mockito=2.23.0-2
php-monolog=2.9.1-1 php-twig=3.5.1-1+deb12u3 phpunit=9.6.7-1+deb12u1 prometheus=2.42.0+ds-5+deb12u1
ruby-nokogiri=1.13.10+dfsg-2
""")
# Packages of Debian that hold the source as it is: crates and gems.
COMMENTED_BINARY = _pinned("""
jekyll=4.3.1+dfsg-3+deb12u1 librust-bytes-dev=1.2.1-1 librust-crossbeam-channel-dev=0.5.6-1
librust-futures-util-dev=0.3.21-1 librust-hashbrown-dev=0.12.3-1 librust-hyper-dev=0.14.19-1
librust-image-dev=0.24.3-1 librust-nom-dev=7.1.1-1 librust-petgraph-dev=0.6.2-1 librust-rayon-dev=1.6.1-1
librust-regex-dev=1.7.1-1 librust-rustls-dev=0.20.8-4 librust-serde-dev=1.0.152-2
librust-syn-dev=1.0.107-1 librust-tokio-dev=1.24.2-1 puma=5.6.5-3+deb12u2
ruby-actionpack=2:6.1.7.10+dfsg-1~deb12u4 ruby-activerecord=2:6.1.7.10+dfsg-1~deb12u4
ruby-activesupport=2:6.1.7.10+dfsg-1~deb12u4 ruby-faraday=1.1.0-7 ruby-i18n=1.10.0-2
ruby-mail=2.7.1+dfsg1-2 ruby-mechanize=2.8.5-1 ruby-rack=2.2.22-0+deb12u2 ruby-sequel=5.63.0-1
ruby-sinatra=3.0.5-3+deb12u1 ruby-thor=1.2.1-2 yard=0.9.28-2+deb12u2
""")
COMMENTED_NPM = _pinned("""
ajv=8.20.0 cheerio=1.2.0 date-fns=4.4.0 effect=4.1.0 eslint=10.15.0 express=5.3.0 fabric=7.4.0
fastify=5.12.8 immutable=5.2.1 jsdom=31.0.1 knex=3.3.0 leaflet=1.9.4 lodash=4.18.1 luxon=3.7.2
mathjs=15.2.0 mocha=12.0.3 moment=2.31.0 mongoose=9.12.1 ol=10.10.0 phaser=4.2.1 rxjs=7.8.2
sequelize=6.37.8 sinon=22.1.0 three=0.187.0 ts-morph=28.0.0 typeorm=1.1.1 webpack=5.112.2 zod=4.6.7
""")
