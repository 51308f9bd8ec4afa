document.querySelectorAll("th").forEach((heading) => {
  const sort = () => {
    const table = heading.closest("table"), body = table.tBodies[0], at = heading.cellIndex;
    const descending = heading.getAttribute("aria-sort") !== "descending";
    table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = (row) => { const cell = row.cells[at]; return cell.dataset.rank === undefined ? cell.textContent : Number(cell.dataset.rank); };
    const compare = (one, other) => (typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other)));
    [...body.rows].sort((one, other) => compare(key(one), key(other)) * (descending ? -1 : 1)).forEach((row) => body.append(row));
  };
  heading.tabIndex = 0;
  heading.addEventListener("click", sort);
  heading.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
});
