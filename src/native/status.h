/* The status that is printed if nothing could be found out. Clients parse standard output, so it is valid JSON always. */
#pragma once
#define EMPTY_STATUS "{\n  \"supported\": [],\n  \"emulators\": []\n}\n"
