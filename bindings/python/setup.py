"""Builds the wheel. It needs heliograph/libheliograph.so, which build.sh makes."""

import os
import re

from setuptools import Distribution, setup
from wheel.bdist_wheel import bdist_wheel

# The C library's version is the package's.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cmd/libheliograph/heliograph.h"), encoding="utf-8") as header:
    found = re.search(r'#define HG_VERSION "([^"]+)"', header.read())
if not found:
    raise SystemExit("heliograph.h has no HG_VERSION")
version = found.group(1).replace("-dev", ".dev0")  # as PEP 440 spells it


class Wheel(bdist_wheel):  # type: ignore[misc]
    """A wheel for every Python 3 on one platform: the library does not link to Python."""

    def get_tag(self) -> tuple[str, str, str]:
        # Go's runtime and cgo need glibc 2.34 (PEP 600).
        return "py3", "none", super().get_tag()[2].replace("linux_", "manylinux_2_34_")


class Binary(Distribution):
    """Has a file of a platform, though no extension of Python."""

    def has_ext_modules(self) -> bool:
        return True


setup(
    name="heliograph",
    version=version,
    description="Notices requests that fail, and reports them when users agree",
    packages=["heliograph"],
    package_data={"heliograph": ["py.typed", "libheliograph.so"]},
    python_requires=">=3.9",
    cmdclass={"bdist_wheel": Wheel},
    distclass=Binary,
)
