// SPDX-License-Identifier: MIT
#include <iostream>

#include "core/store/store.hpp"

using memoria::Status, memoria::Store;

Status greet(const std::string& directory) {
  MEMORIA_TRY(auto place, memoria::open_directory(directory, /*create_missing=*/true));
  MEMORIA_TRY(auto store, Store::open(place, {}));

  memoria::Batch batch;  // all of it or nothing, also after a crash
  batch.put("greeting", "hello");
  batch.write_at("greeting", 5, ", log");
  MEMORIA_TRY(store->apply(batch, {.sync = true}));  // now it survives a loss of power

  MEMORIA_TRY(std::string greeting, store->get("greeting"));
  std::cout << greeting << '\n';
  return store->close();
}

int main(int argc, char** argv) {
  Status status = greet(argc > 1 ? argv[1] : "data");
  if (!status) std::cerr << status.error().describe() << '\n';
  return status ? 0 : 1;
}
