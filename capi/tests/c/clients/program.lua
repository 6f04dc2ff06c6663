-- A program that makes Lua allocate in all the ways that it has: many small objects alive at once, long and short
-- strings, tables that grow and shrink, closures, coroutines, and cycles for the garbage collector.

-- The next number of a fixed sequence, so that each run is the same.
local seed = 42
local function random(limit)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % limit + 1
end

-- A catalogue: about 40,000 objects that stay alive to the end.
local catalogue = {}
for number = 1, 4000 do
  catalogue[number] = {
    number = number,
    name = string.format("article %05d", random(100000)),
    price = random(9999) / 100,
    tags = { "tag" .. random(50), "tag" .. random(50) },
    next_price = function() return number * 2 end,
  }
end

-- Sorting moves pointers, comparing reads the strings behind them.
table.sort(catalogue, function(a, b)
  if a.name ~= b.name then return a.name < b.name end
  return a.number < b.number
end)
print("first", catalogue[1].name, "last", catalogue[#catalogue].name)

-- Counting words: a table that grows by rehashing, keyed by strings.
local counts = {}
for _, article in ipairs(catalogue) do
  for _, tag in ipairs(article.tags) do counts[tag] = (counts[tag] or 0) + 1 end
end
local tags = {}
for tag in pairs(counts) do tags[#tags + 1] = tag end
table.sort(tags, function(a, b)
  return counts[a] > counts[b] or counts[a] == counts[b] and a < b
end)
for rank = 1, 5 do print(rank, tags[rank], counts[tags[rank]]) end

-- Writing and reading a notation like JSON: strings of all lengths.
local function write(value, out)
  if type(value) == "table" then
    out[#out + 1] = "{"
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for _, key in ipairs(keys) do
      if type(value[key]) ~= "function" then
        out[#out + 1] = tostring(key) .. ":"
        write(value[key], out)
        out[#out + 1] = ","
      end
    end
    out[#out + 1] = "}"
  else
    out[#out + 1] = type(value) == "string" and string.format("%q", value) or tostring(value)
  end
  return out
end

local function read(text)
  local at = 1
  local function value()
    if text:sub(at, at) == "{" then
      local result = {}
      at = at + 1
      while text:sub(at, at) ~= "}" do
        local key, after = text:match("^([%w_]+):()", at)
        at = after
        result[tonumber(key) or key] = value()
        at = at + 1 -- the comma
      end
      at = at + 1
      return result
    end
    local quoted, after = text:match('^"(.-)"()', at)
    if quoted then
      at = after
      return quoted
    end
    local number, behind = text:match("^([%d.]+)()", at)
    at = behind
    return tonumber(number)
  end
  return value()
end

local text = table.concat(write({ table.unpack(catalogue, 1, 1000) }, {}))
local again = table.concat(write(read(text), {}))
print("written", #text, "read and written again", again == text)

-- Queens on a board: recursion and garbage.
local function queens(size)
  local columns, rising, falling, solutions = {}, {}, {}, 0
  local function place(row)
    if row > size then
      solutions = solutions + 1
      return
    end
    for column = 1, size do
      if not (columns[column] or rising[row + column] or falling[row - column + size]) then
        columns[column], rising[row + column], falling[row - column + size] = true, true, true
        place(row + 1)
        columns[column], rising[row + column], falling[row - column + size] = nil, nil, nil
      end
    end
  end
  place(1)
  return solutions
end
print("queens", queens(8))

-- Trees built and dropped, each node pointing back to its parent: only the collector can free them.
local function tree(depth, parent)
  local node = { parent = parent }
  if depth > 0 then node.left, node.right = tree(depth - 1, node), tree(depth - 1, node) end
  return node
end
local function nodes(node)
  return node and 1 + nodes(node.left) + nodes(node.right) or 0
end
local total = 0
for _ = 1, 30 do total = total + nodes(tree(10)) end
print("nodes", total)

-- Coroutines: a stack of its own for each, growing as it recurses.
local function digits(depth)
  if depth > 0 then
    coroutine.yield(depth % 10)
    digits(depth - 1)
  end
end
local threads, sum = {}, 0
for number = 1, 500 do threads[number] = coroutine.wrap(function() digits(20 + number % 7) end) end
for _ = 1, 15 do
  for _, thread in ipairs(threads) do sum = sum + thread() end
end
print("digits", sum)

-- One string of some megabytes, grown by doubling.
local long = "0123456789abcdef"
while #long < 4 * 1024 * 1024 do long = long .. long end
print("long", #long, select(2, long:gsub("abc", "")))

collectgarbage("collect")
local before = collectgarbage("count")
threads, long, text, again = nil, nil, nil, nil
collectgarbage("collect")
print("garbage was freed", collectgarbage("count") < before - 4096)

local sum_of_prices = 0
for _, article in ipairs(catalogue) do sum_of_prices = sum_of_prices + article.price + article.next_price() end
print(string.format("prices %.2f", sum_of_prices))
