# SPDX-License-Identifier: MIT
# The contests between key-value engines, as a part of the target memoria_bench. Engines other than
# Memoria's own are compiled in when their headers and libraries are found.
set(here ${CMAKE_CURRENT_LIST_DIR})
target_sources(memoria_bench PRIVATE
  ${here}/engine_child.cpp
  ${here}/engine_contests.cpp
  ${here}/engine_data.cpp
  ${here}/engine_field.cpp
  ${here}/engine_get.cpp
  ${here}/engine_measure.cpp
  ${here}/engine_memory.cpp
  ${here}/engine_merge.cpp
  ${here}/engine_mixed.cpp
  ${here}/engine_open.cpp
  ${here}/engine_put.cpp
  ${here}/engine_space.cpp
  ${here}/engine_sync.cpp
  ${here}/engines/kinds.cpp
  ${here}/engines/memoria.cpp
  ${here}/engines/raw.cpp)
target_link_libraries(memoria_bench
  PRIVATE memoria_settings nlohmann_json::nlohmann_json absl::flat_hash_map absl::hash
  PUBLIC memoria::memoria)

# memoria_bench_engine(NAME HEADER): the engine in engines/NAME.cpp, if lib<NAME> is there.
function(memoria_bench_engine name header)
  string(TOUPPER ${name} upper)
  find_path(MEMORIA_BENCH_${upper}_INCLUDE ${header})
  find_library(MEMORIA_BENCH_${upper}_LIBRARY ${name})
  mark_as_advanced(MEMORIA_BENCH_${upper}_INCLUDE MEMORIA_BENCH_${upper}_LIBRARY)
  if(NOT MEMORIA_BENCH_${upper}_INCLUDE OR NOT MEMORIA_BENCH_${upper}_LIBRARY)
    message(STATUS "memoria-bench: without ${name} (not found)")
    return()
  endif()
  message(STATUS "memoria-bench: with ${name} (${MEMORIA_BENCH_${upper}_LIBRARY})")
  target_sources(memoria_bench PRIVATE ${here}/engines/${name}.cpp)
  target_compile_definitions(memoria_bench PRIVATE MEMORIA_BENCH_${upper})
  target_include_directories(memoria_bench SYSTEM PRIVATE ${MEMORIA_BENCH_${upper}_INCLUDE})
  target_link_libraries(memoria_bench PRIVATE ${MEMORIA_BENCH_${upper}_LIBRARY})
endfunction()

if(MEMORIA_SANITIZE MATCHES thread)
  message(STATUS "memoria-bench: without other engines (not built for the thread sanitizer)")
else()
  memoria_bench_engine(leveldb leveldb/db.h)
  memoria_bench_engine(rocksdb rocksdb/db.h)
  memoria_bench_engine(lmdb lmdb.h)
  memoria_bench_engine(tkrzw tkrzw_dbm_hash.h)
endif()
