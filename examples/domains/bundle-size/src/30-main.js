// What the page calls.
globalThis.total = function (linesOfTheCart) {
  return formatAmountOfCentsAsPrice(addPricesOfAllLinesUp(linesOfTheCart), "$");
};
