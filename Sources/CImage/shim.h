#pragma once
#include <turbojpeg.h>
#include <stdio.h>
#include <png.h>
