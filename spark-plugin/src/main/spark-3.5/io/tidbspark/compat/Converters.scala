package io.tidbspark.compat

import scala.collection.convert.{DecorateAsJava, DecorateAsScala}

/** `asScala` and `asJava` under one name for Scala 2.12 and 2.13. */
object Converters extends DecorateAsJava with DecorateAsScala
